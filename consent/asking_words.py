"""The words of a question, as long as its way allows."""

from __future__ import annotations

from dataclasses import dataclass

from consent.errors import NotNowError
from consent.messages import render_message, use_words
from consent.ways import Way, WayName
from ledger.model import Campaign, Credit, Definition, Reply, Use
from ledger.settings import Settings

#: Fewer words than this would not tell which answer is meant.
LEAST_QUOTED = 20
#: Among the evidence of a question: the uses that its message named, beside the exact words and
#: the credit. Empty when it did not show those: then an answer in words can allow nothing.
SHOWN_IN_MESSAGE = "shown_in_message"
_TEMPLATES = {WayName.PRIVATE: "ask_private", WayName.PUBLIC: "ask_public"}


@dataclass(frozen=True)
class Question:
    """What is asked of whom. `link` is their personal page, or "" where it must not be shown."""

    campaign: Campaign
    definition: Definition
    reply: Reply
    credit: Credit
    note: str
    link: str
    uses: frozenset[Use] = frozenset({Use.POST})


def word_question(settings: Settings, question: Question, way: Way | None) -> tuple[str, str]:
    """Subject and text. In public the exact words and credit stand in it, for there is no link.

    Raises NotNowError when that does not fit, or would show or tell others what is not theirs.
    """
    if way is None or not way.most:
        return _rendered(settings, question, "ask", question.definition.text)
    template = _TEMPLATES[way.name]
    subject, body = _rendered(settings, question, template, question.definition.text)
    body = body.strip()
    if not way.is_private:
        _refuse_in_public(settings, way, body)
    too_many = way.length(body) - way.most
    if too_many <= 0:
        return subject, body
    shown = question.definition.text
    if way.is_private and len(shown) - too_many > LEAST_QUOTED:
        # Their page shows the whole of it.
        shown = shown[: len(shown) - too_many - 1].rstrip() + "…"
        subject, body = _rendered(settings, question, template, shown)
        if way.length(body.strip()) <= way.most:
            return subject, body.strip()
    raise NotNowError(
        f"This question is {too_many} characters too long for {way.account.channel.title()}.",
        "Shorten your own word, or ask another way."
        if question.note
        else "Ask another way: in private, by mail or by hand.",
    )


def uses_shown(question: Question, body: str) -> frozenset[Use]:
    """The uses that somebody allows who answers this message with nothing but a yes.

    That is the post alone, as on their page: each other use is a question of its own, and is
    ticked there (GDPR, recital 43).
    """
    told = " ".join(body.split())
    for shown in (question.definition.text, question.credit.line):
        if " ".join(shown.split()) not in told:
            return frozenset()
    return question.uses & {Use.POST}


def _rendered(settings: Settings, question: Question, template: str, words: str) -> tuple[str, str]:
    return render_message(
        template,
        campaign=question.campaign,
        settings=settings,
        name=question.reply.handle.name,
        words=words,
        credit=question.credit.line,
        note=question.note,
        link=question.link,
        more=[use_words(use) for use in Use if use in question.uses - {Use.POST}],
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
