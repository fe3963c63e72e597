"""What the templates are given: granted words with their credit, and nothing else of anyone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache

from markupsafe import Markup
from slugify import slugify

from ledger.keys import Keys
from ledger.model import BLANK, Campaign, Channel, Credit, NameForm, normal
from publisher.compose import ID_CHARACTERS, several_messages, shown_url
from publisher.escaping import web_address
from publisher.marks import Marks, direction_of, marks_of
from publisher.render import quote_macros

CHANNEL_WORDS = {
    Channel.FORM: "Answered on this blog",
    Channel.EMAIL: "Answered by e-mail",
    Channel.IMPORT: "From an earlier collection",
    Channel.X: "Answered on X",
    Channel.MASTODON: "Answered on Mastodon",
    Channel.BLUESKY: "Answered on Bluesky",
    Channel.WEBMENTION: "Answered on their own site",
    Channel.PASTE: "Said or written elsewhere",
    Channel.COMMENTS: "Answered below a blog post",
}


#: From so many characters on, words are set smaller.
LONG = 200


@dataclass(frozen=True)
class Quote:
    """Words as they are shown: on the blog, and to their author before they agree."""

    words: str
    credit: Credit
    url: str
    lang: str
    prompt_before: str
    prompt_after: str
    prompt_lang: str
    channel: str
    when: datetime
    source_url: str = ""
    messages: int = 1

    @property
    def marks(self) -> Marks:
        return marks_of(self.words, self.lang)

    @property
    def dir(self) -> str:
        return direction_of(self.words, self.lang)

    @property
    def credit_rest(self) -> str:
        """What follows the name in the credit line."""
        return self.credit.line.removeprefix(self.credit.display_name)

    @property
    def long(self) -> str:
        return long_class(self.words)

    @property
    def cite(self) -> Markup:
        """The credit as HTML."""
        return _cite(self.credit.display_name, self.credit_rest, self.url)

    @property
    def note(self) -> Markup:
        """Where the words came from and when, as HTML."""
        return _note(
            self.channel, self.when.date(), self.source_url, several_messages(self.messages)
        )

    @property
    def question(self) -> Markup:
        return self._asked.html

    @property
    def shows_question(self) -> bool:
        return self._asked.stands_over(self.words)

    @property
    def above(self) -> Markup | str:
        return self._asked.above(self.words)

    @property
    def _asked(self) -> Question:
        return Question.of(self.prompt_before, self.prompt_after, self.prompt_lang)


# Told apart as objects: entries hold theirs, and to compare its texts again and again costs time.
@dataclass(frozen=True, eq=False)
class Question:
    """A campaign's question as HTML, and what tells whether words take it up themselves."""

    html: Markup
    before: str
    after: str

    @classmethod
    def of(cls, before: str, after: str, lang: str) -> Question:
        return cls(_macro("question", before, after, lang), _letters(before), _letters(after))

    def stands_over(self, words: str) -> bool:
        """Whether the question belongs above these words; not when they take it up themselves.

        "Thought leadership is listening." needs no "Thought leadership is …" over it.
        """
        said = _letters(words)
        begun = self.before and self.before in said
        return not (begun or (not self.before and self.after and self.after in said))

    def above(self, words: str) -> Markup | str:
        """The question in its paragraph, with a line end, or nothing: as it stands above words."""
        return self.paragraph if self.stands_over(words) else ""

    @cached_property
    def paragraph(self) -> Markup:
        return _macro("asked", self.html) + Markup("\n")


def long_class(words: str) -> str:
    """What the markup of long words has besides its class, with the space before it."""
    return " long" if len(words) > LONG else ""


def _macro(name: str, *values: object) -> Markup:
    made: Markup = getattr(quote_macros(), name)(*values)
    return made


@lru_cache(maxsize=4096)
def _cite(name: str, rest: str, url: str) -> Markup:
    return _macro("credit", name, rest, url)


@lru_cache(maxsize=1024)
def _note(channel: str, on: date, source_url: str, several: str) -> Markup:
    return _macro("note", channel, on, source_url, several)


def question_of(campaign: Campaign) -> Question:
    before, after = campaign.prompt_parts
    return Question.of(before.strip(), after.strip(), campaign.lang)


def _letters(text: str) -> str:
    """Letters and digits alone, in lower case: what "#ThoughtLeadership is" shares with its kin."""
    return "".join(filter(str.isalnum, text.casefold()))


def quote_of(
    *,
    words: str,
    credit: Credit,
    prompt: str,
    prompt_lang: str,
    lang: str,
    channel: Channel,
    when: datetime,
    source_url: str = "",
    messages: int = 1,
) -> Quote:
    before, _, after = prompt.partition(BLANK)
    return Quote(
        words=normal(words),
        credit=credit,
        url=shown_url(credit),
        lang=lang,
        prompt_before=before.strip(),
        prompt_after=after.strip(),
        prompt_lang=prompt_lang,
        channel=CHANNEL_WORDS[channel],
        when=when,
        source_url=web_address(source_url),
        messages=messages,
    )


def person_address(keys: Keys, contributor_id: str, credit: Credit) -> str:
    """The page of one name of one person; their other names have pages that nothing links.

    Somebody anonymous has none.
    """
    if credit.form is NameForm.ANONYMOUS:
        return ""
    name = credit.display_name
    slug = slugify(name, allow_unicode=True, max_length=60, word_boundary=True) or "-"
    return f"/people/{slug}-{keys.token_hash(contributor_id + name)[:ID_CHARACTERS]}/"
