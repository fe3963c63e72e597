"""What the templates are given: granted words with their credit, and nothing else of anyone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from slugify import slugify

from ledger.keys import Keys
from ledger.model import BLANK, Campaign, Channel, Credit, NameForm, Use, normal
from publisher.compose import ID_CHARACTERS, shown_url, title_of
from publisher.escaping import web_address
from publisher.standing import Standing

CHANNEL_WORDS = {
    Channel.FORM: "Answered on this blog",
    Channel.EMAIL: "Answered by e-mail",
    Channel.IMPORT: "From an earlier collection",
    Channel.X: "Answered on X",
    Channel.MASTODON: "Answered on Mastodon",
    Channel.BLUESKY: "Answered on Bluesky",
    Channel.WEBMENTION: "Answered on their own site",
    Channel.PASTE: "Said or written elsewhere",
}


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

    @property
    def shows_question(self) -> bool:
        """Whether the question belongs above the words; not when they take it up themselves.

        "Thought leadership is listening." needs no "Thought leadership is …" over it.
        """
        words = _letters(self.words)
        before, after = _letters(self.prompt_before), _letters(self.prompt_after)
        return not ((before and before in words) or (not before and after and after in words))

    @property
    def credit_rest(self) -> str:
        """What follows the name in the credit line."""
        return self.credit.line.removeprefix(self.credit.display_name)


@dataclass(frozen=True)
class Shown:
    """One definition on the blog. `person` is the path of its author's page, or empty."""

    id: str
    quote: Quote
    title: str
    address: str
    person: str
    granted_at: datetime
    campaign_id: str
    uses: frozenset[Use]


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
    )


def show(one: Standing, campaign: Campaign, keys: Keys) -> Shown:
    grant, source = one.grant, one.source
    return Shown(
        id=one.id,
        quote=quote_of(
            words=grant.text,
            credit=grant.credit,
            prompt=campaign.prompt,
            prompt_lang=campaign.lang,
            lang=source.lang,
            channel=source.channel,
            when=source.when,
            source_url=source.source_url,
        ),
        title=title_of(campaign.term, grant.credit),
        address=source.address,
        person=person_address(keys, one.contributor_id, grant.credit),
        granted_at=datetime.fromisoformat(grant.at).astimezone(UTC),
        campaign_id=one.campaign_id,
        uses=grant.uses,
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
