"""The words of a question, as long as its way allows."""

from __future__ import annotations

from dataclasses import dataclass

from consent.errors import NotNowError
from consent.messages import piece_values, use_words
from consent.own_messages import Wording, find_wording
from consent.ways import Way
from consent.wording import ENGLISH
from ledger.model import UNSHOWABLE, Campaign, Credit, Definition, Reply, Use
from ledger.settings import Settings

#: Fewer words than this would not tell which answer is meant.
LEAST_QUOTED = 20
MOST_SUBJECT, MOST_BODY = 200, 8000
#: Among the evidence of a question: the uses that its message named, beside the exact words and
#: the credit. Empty when it did not show those: then an answer in words can allow nothing.
SHOWN_IN_MESSAGE = "shown_in_message"


@dataclass(frozen=True)
class Question:
    """What is asked of whom. `link` is their personal page, or "" where it must not be shown.

    `lang` is that of the message, `page_lang` that of the page, which we have in more languages.
    """

    campaign: Campaign
    definition: Definition
    reply: Reply
    credit: Credit
    note: str
    link: str
    uses: frozenset[Use] = frozenset({Use.POST})
    lang: str = ENGLISH
    page_lang: str = ENGLISH


def word_question(
    settings: Settings, question: Question, way: Way | None, wording: Wording | None = None
) -> tuple[str, str]:
    """Subject and text. Where there is no link, the exact words and credit stand in it.

    Raises NotNowError when that does not fit, or would show or tell others what is not theirs, and
    MessageFileError where the operator's own words can't be used.
    """
    wording = wording or wording_of(settings, question, way)
    if way is None or not way.most:
        return _rendered(settings, question, wording, question.definition.text)
    subject, body = _rendered(settings, question, wording, question.definition.text)
    body = body.strip()
    if not way.is_private:
        _refuse_in_public(settings, way, body)
    too_many = way.length(body) - way.most
    if too_many <= 0:
        return subject, body
    shown = question.definition.text
    if question.link and not question.definition.is_piece and len(shown) - too_many > LEAST_QUOTED:
        # Their page shows the whole of it.
        shown = shown[: len(shown) - too_many - 1].rstrip() + "…"
        subject, body = _rendered(settings, question, wording, shown)
        if way.length(body.strip()) <= way.most:
            return subject, body.strip()
    raise _too_long(
        way,
        too_many,
        "Shorten your own word, or ask another way."
        if question.note
        else "Ask another way: in private, by mail or by hand.",
    )


def wording_of(settings: Settings, question: Question, way: Way | None) -> Wording:
    """What a question by this way is worded by. Raises MessageFileError."""
    channel = "" if way is None else way.account.channel
    return find_wording(settings, _template(question, way), question.lang, channel)


def check_message(
    settings: Settings, question: Question, way: Way | None, subject: str, body: str
) -> tuple[str, str]:
    """A question as an editor has worded it, ready to leave.

    Raises NotNowError when it is empty or too long for its way, when it has lost the personal link
    or has one that was not chosen, or when a public one would show or tell others what is not
    theirs.
    """
    subject = " ".join(UNSHOWABLE.sub("", subject).split())
    body = UNSHOWABLE.sub("", body.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not body or not subject:
        raise NotNowError("There are no words in the message.", "Write them, or take ours again.")
    if len(subject) > MOST_SUBJECT or len(body) > MOST_BODY:
        raise NotNowError("This message is too long.", "Shorten it.")
    if question.link and question.link not in body:
        raise NotNowError(
            "The personal link is missing: there they see what they allow, and decide.",
            f"Put it back where it stood: {question.link}",
        )
    if way is not None and not way.is_private:
        _refuse_in_public(settings, way, body)
    elif not question.link and f"{settings.public_url}/p/" in body:
        raise NotNowError(
            "There is a personal link in it, and this question goes without one.",
            "Take it out, or have theirs put in.",
        )
    if way is not None and way.most and way.length(body) > way.most:
        raise _too_long(way, way.length(body) - way.most, "Shorten it.")
    return subject, body if way is not None and way.most else body + "\n"


def uses_shown(question: Question, body: str) -> frozenset[Use]:
    """The uses that somebody allows who answers this message with nothing but a yes.

    That is the post alone, as on their page: each other use is a question of its own, and is
    ticked there (GDPR, recital 43).
    """
    if question.definition.is_piece:
        return frozenset()  # the whole of it stands on their page alone
    told = " ".join(body.split())
    for shown in (question.definition.text, question.credit.line):
        if " ".join(shown.split()) not in told:
            return frozenset()
    return question.uses & {Use.POST}


def _template(question: Question, way: Way | None) -> str:
    piece = "piece_" if question.definition.is_piece else ""
    if way is None or not way.most:
        return f"{piece}ask"
    return f"{piece}ask_private" if question.link else "ask_in_words"


def _too_long(way: Way, too_many: int, next_step: str) -> NotNowError:
    return NotNowError(
        f"This question is {too_many} characters too long for {way.account.channel.title()}.",
        next_step,
    )


def _rendered(
    settings: Settings, question: Question, wording: Wording, words: str
) -> tuple[str, str]:
    return wording.render(
        campaign=question.campaign,
        settings=settings,
        name=question.reply.handle.name,
        words=words,
        credit=question.credit.line,
        note=question.note,
        link=question.link,
        more=[use_words(use, question.lang) for use in Use if use in question.uses - {Use.POST}],
        **piece_values(question.definition),
    )


def _refuse_in_public(settings: Settings, way: Way, body: str) -> None:
    if f"{settings.public_url}/p/" in body:
        raise NotNowError(
            "A personal link must not stand in public: whoever reads it could answer with it.",
            "Leave it out, or ask in private.",
        )
    other = way.names_others(body)
    if other:
        raise NotNowError(
            f"In public, {other} would be told of this question too.",
            "Ask in private, or by hand.",
        )
