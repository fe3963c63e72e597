"""What made-up people wrote, what kind of reply that is, and which words define the term."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from collector.reading import read_reply
from ledger.model import Campaign, ReplyKind

D, Q, T = ReplyKind.DEFINITION, ReplyKind.QUESTION, ReplyKind.THANKS
STOP, SPAM, OTHER = ReplyKind.STOP, ReplyKind.SPAM, ReplyKind.OTHER


def campaign(term: str, prompt: str, lang: str) -> Campaign:
    return Campaign(
        "c1", "thought-leadership", term, prompt, lang, datetime(2026, 1, 1, tzinfo=UTC)
    )


ENGLISH = campaign("Thought leadership", "Thought leadership is ___?", "en")
EDITOR = campaign("A good editor", "A good editor ___ every day", "en")
HEART = campaign("Heart of a team", "___ is the heart of a team.", "en")
GERMAN = campaign("Gute Führung", "Gute Führung ist ___?", "de")
FRENCH = campaign("Un bon métier", "Un bon métier est ___", "fr")
SPANISH = campaign("Liderazgo", "Liderazgo es ___", "es")
SWEDISH = campaign("Ledarskap", "Ledarskap är ___", "sv")

# (the reply, its kind, the words taken from it)
REPLIES: list[tuple[str, ReplyKind, str]] = [
    # The prompt's own words, in many spellings.
    ("Thought leadership is saying it first.", D, "Thought leadership is saying it first."),
    ("thought leadership is listening in public", D, "thought leadership is listening in public"),
    ("THOUGHT LEADERSHIP IS NOISE", D, "THOUGHT LEADERSHIP IS NOISE"),
    ("Thought-leadership is a long memory.", D, "Thought-leadership is a long memory."),
    ("Thought   leadership\nis patience", D, "is patience"),
    ("#ThoughtLeadership = doing the reading", D, "#ThoughtLeadership = doing the reading"),
    ("#thoughtleadership=showing your work", D, "#thoughtleadership=showing your work"),
    ("#ThoughtLeadership: one useful page a year", D, "one useful page a year"),
    (
        "#ThoughtLeadership is being wrong early and in public",
        D,
        "#ThoughtLeadership is being wrong early and in public",
    ),
    ("#ThoughtLeadership\nGiving away the recipe", D, "Giving away the recipe"),
    ("ThoughtLeadership means you can be quoted", D, "ThoughtLeadership means you can be quoted"),
    (
        "Thought leadership – the art of the footnote",
        D,
        "Thought leadership – the art of the footnote",
    ),
    ("Thought leadership - a map, not a flag", D, "Thought leadership - a map, not a flag"),
    ("Thought leadership … is what remains", D, "Thought leadership … is what remains"),
    ("Thought leadership …is what remains", D, "Thought leadership …is what remains"),
    ("Thought leadership is… a campfire", D, "Thought leadership is… a campfire"),
    ("Thought leadership is: a campfire", D, "Thought leadership is: a campfire"),
    ("Thought leadership is ___? A campfire.", D, "A campfire."),
    ("Thought leadership? Being useful twice.", D, "Being useful twice."),
    (
        "Thought leadership is “curiosity with a deadline”",
        D,
        "Thought leadership is “curiosity with a deadline”",
    ),
    (
        'Thought leadership is "curiosity with a deadline".',
        D,
        'Thought leadership is "curiosity with a deadline".',
    ),
    ('"Thought leadership is curiosity"', D, "Thought leadership is curiosity"),
    ("“Thought leadership” is curiosity", D, "“Thought leadership” is curiosity"),
    ("*Thought leadership* is *curiosity*", D, "*Thought leadership* is *curiosity*"),
    (
        "Thought leadership is\n\nknowing what to leave out",
        D,
        "Thought leadership is\n\nknowing what to leave out",
    ),
    (
        "Thought leadership is knowing when\nto speak",
        D,
        "Thought leadership is knowing when\nto speak",
    ),
    ("Thought leadership is not shouting.", D, "Thought leadership is not shouting."),
    ("Thought leadership isn't shouting.", D, "Thought leadership isn't shouting."),
    (
        "Thought leadership begins where the brochure ends.",
        D,
        "Thought leadership begins where the brochure ends.",
    ),
    # Something around it.
    ("@asker_example Thought leadership is a verb", D, "Thought leadership is a verb"),
    (
        "@asker_example @sam_example@town.example: Thought leadership is a verb",
        D,
        "Thought leadership is a verb",
    ),
    (".@asker_example thought leadership is a verb", D, "thought leadership is a verb"),
    ("Hi Ada, thought leadership is a verb", D, "thought leadership is a verb"),
    ("Hi Ada,\n\nThought leadership is a verb.\n\nBest,\nSam", D, "Thought leadership is a verb."),
    ("For me, thought leadership is a verb.", D, "For me, thought leadership is a verb."),
    ("I think thought leadership is a verb.", D, "I think thought leadership is a verb."),
    (
        "In my experience #ThoughtLeadership is a verb.",
        D,
        "In my experience #ThoughtLeadership is a verb.",
    ),
    ("Thought leadership, to me, is a verb.", D, "Thought leadership, to me, is a verb."),
    ("Thought leadership for me: a verb.", D, "a verb."),
    ("Thought leadership (in my view) is a verb.", D, "Thought leadership (in my view) is a verb."),
    ("Thanks for asking! Thought leadership is a verb.", D, "Thought leadership is a verb."),
    (
        "Great question! Thought leadership is a verb. Hope that helps!",
        D,
        "Thought leadership is a verb.",
    ),
    (
        "Thought leadership is a verb. Can I see it before it goes out?",
        D,
        "Thought leadership is a verb.",
    ),
    (
        "Thought leadership is a verb.\n\nI keep a small bakery up north.",
        D,
        "Thought leadership is a verb.",
    ),
    ("We argued all week. Thought leadership is a truce.", D, "Thought leadership is a truce."),
    ("Thought leadership is a verb #ThoughtLeadership", D, "Thought leadership is a verb"),
    (
        "Thought leadership is a verb. #ThoughtLeadership #thoughtleadership",
        D,
        "Thought leadership is a verb.",
    ),
    ("Thought leadership is a verb #grammar", D, "Thought leadership is a verb"),
    (
        "What people call thought leadership is mostly marketing.",
        D,
        "What people call thought leadership is mostly marketing.",
    ),
    (
        "The trouble with thought leadership is the hurry.",
        D,
        "The trouble with thought leadership is the hurry.",
    ),
    (
        "> Thought leadership is ___?\n\nA slow answer to a fast question",
        D,
        "A slow answer to a fast question",
    ),
    (
        "Thought leadership is a slow\n> and what else?\nanswer to a fast question",
        D,
        "Thought leadership is a slow answer to a fast question",
    ),
    (
        "On Monday, Ada Sample wrote:\n> Thought leadership is ___?\n\nIt's a promise.",
        D,
        "It's a promise.",
    ),
    ("**Thought leadership** is **curiosity**", D, "**Thought leadership** is **curiosity**"),
    ("Thought leadership is __________ patience", D, "patience"),
    ("Thought leadership is for the leaders'", D, "Thought leadership is for the leaders'"),
    ("Thought leadership is “yes” or “no”", D, "Thought leadership is “yes” or “no”"),
    (
        "My thought leadership is better than theirs",
        D,
        "My thought leadership is better than theirs",
    ),
    # Without the term.
    ("It's teaching what you needed to hear", D, "It's teaching what you needed to hear"),
    ("It’s teaching what you needed to hear", D, "It’s teaching what you needed to hear"),
    ("It is a lighthouse with the door open.", D, "It is a lighthouse with the door open."),
    ("…is a lighthouse", D, "is a lighthouse"),
    ("... is a lighthouse", D, "is a lighthouse"),
    ("is a lighthouse", D, "is a lighthouse"),
    ("= a lighthouse", D, "a lighthouse"),
    ("I think it's a lighthouse.", D, "I think it's a lighthouse."),
    ("My answer: a lighthouse", D, "a lighthouse"),
    ("Teaching in public.", D, "Teaching in public."),
    ("“Teaching in public”", D, "Teaching in public"),
    ("Dull, mostly", D, "Dull, mostly"),
    ("its own reward", D, "its own reward"),
    ("Lighting the road for others 🔦", D, "Lighting the road for others 🔦"),
    ("Hi!\nTeaching in public.\nThanks,\nSam Sample", D, "Teaching in public."),
    ("Means to an end", D, "Means to an end"),
    ("Best shared early.", D, "Best shared early."),
    # Stop, and what only looks like it.
    ("stop", STOP, ""),
    ("STOP!!!", STOP, ""),
    ("@asker_example stop", STOP, ""),
    ("Please stop.", STOP, ""),
    ("Please stop it, thanks", STOP, ""),
    ("Stop.\n\nSent from my phone", STOP, ""),
    ("unsubscribe", STOP, ""),
    ("Unsubscribe me please", STOP, ""),
    ("remove me", STOP, ""),
    ("Remove me from your list.", STOP, ""),
    ("Hello, please remove me from this list. Thank you. Regards, Sam", STOP, ""),
    ("please don't write to me again", STOP, ""),
    ("Please do not contact me again!", STOP, ""),
    ("Don’t email me any more.", STOP, ""),
    ("Could you please stop sending me these?", STOP, ""),
    ("leave me alone", STOP, ""),
    ("I never signed up for this, leave me alone.", STOP, ""),
    ("Thought leadership is boring. Please don't write to me again.", STOP, ""),
    ("> Thought leadership is ___?\nstop", STOP, ""),
    (
        "Thought leadership is knowing when to stop.",
        D,
        "Thought leadership is knowing when to stop.",
    ),
    ("Thought leadership is: stop", D, "Thought leadership is: stop"),
    ("Leadership is knowing when to stop", D, "Leadership is knowing when to stop"),
    ("Knowing when to stop", D, "Knowing when to stop"),
    ("Stop talking. Start listening.", D, "Stop talking. Start listening."),
    ("Stop writing for algorithms.", D, "Stop writing for algorithms."),
    (
        "Thought leadership is the courage to unsubscribe",
        D,
        "Thought leadership is the courage to unsubscribe",
    ),
    ("It's telling the crowd to leave me alone", D, "It's telling the crowd to leave me alone"),
    # Questions.
    ("What do you mean by thought leadership?", Q, ""),
    ("What is thought leadership?", Q, ""),
    ("Is thought leadership dead?", Q, ""),
    ("Who are you?", Q, ""),
    ("Who is behind this? And how long is it open?", Q, ""),
    ("How did you get my address", Q, ""),
    ("Hi, can I answer in Welsh?", Q, ""),
    ("Where will this be published?", Q, ""),
    ("Thought leadership is what, exactly?", Q, ""),
    ("Why do you think thought leadership is important?", Q, ""),
    ("Asking what nobody dares to ask?", D, "Asking what nobody dares to ask?"),
    # Thanks.
    ("Thanks!", T, ""),
    ("Thank you so much for asking 🙏", T, ""),
    ("Many thanks, and good luck with it.", T, ""),
    ("Great question! Thanks for asking.", T, ""),
    ("Thank your critics", D, "Thank your critics"),
    # Offers.
    ("Grow your followers fast, click here https://cheap.example/now", SPAM, ""),
    ("https://a.example https://b.example https://c.example look at these", SPAM, ""),
    ("Earn money from home with crypto! www.coins.example", SPAM, ""),
    ("We offer SEO services and backlinks, best price. DM me for a deal.", SPAM, ""),
    ("Thought leadership is our SEO services, click here https://x.example", SPAM, ""),
    (
        "Thought leadership is a casino where the house reads less than you",
        D,
        "Thought leadership is a casino where the house reads less than you",
    ),
    (
        "Thought leadership is what I wrote here: https://essay.example/1",
        D,
        "Thought leadership is what I wrote here:",
    ),
    # Nothing of these.
    ("", OTHER, ""),
    (" \n\t ", OTHER, ""),
    ("👍", OTHER, ""),
    ("???", OTHER, ""),
    ("@asker_example", OTHER, ""),
    ("lol", OTHER, ""),
    ("Same here!", OTHER, ""),
    ("I don't know", OTHER, ""),
    ("No idea, let me ask my team.", OTHER, ""),
    ("I'll get back to you on Monday.", OTHER, ""),
    ("Hello there", OTHER, ""),
    ("Great question!", T, ""),
    ("Thought leadership is ___?", OTHER, ""),
    ("#ThoughtLeadership", OTHER, ""),
    ("https://essay.example/1", OTHER, ""),
    ("> Thought leadership is ___?", OTHER, ""),
]

OTHER_PROMPTS: list[tuple[Campaign, str, ReplyKind, str]] = [
    (EDITOR, "A good editor cuts something every day", D, "A good editor cuts something every day"),
    (EDITOR, "a good editor reads aloud, every day.", D, "a good editor reads aloud, every day."),
    (EDITOR, "A good editor sleeps on it", D, "A good editor sleeps on it"),
    (EDITOR, "#AGoodEditor walks", D, "#AGoodEditor walks"),
    (EDITOR, "cuts a darling every day!", D, "cuts a darling every day!"),
    (HEART, "Listening is the heart of a team.", D, "Listening is the heart of a team."),
    (HEART, "Lunch", D, "Lunch"),
    (
        GERMAN,
        "Gute Führung ist zuhören, bevor man spricht.",
        D,
        "Gute Führung ist zuhören, bevor man spricht.",
    ),
    (GERMAN, "Gute Fu\u0308hrung ist Geduld", D, "Gute Führung ist Geduld"),
    (GERMAN, "Ich finde, #GuteFührung ist Geduld", D, "Ich finde, #GuteFührung ist Geduld"),
    (GERMAN, "Gute Führung heißt: loslassen", D, "Gute Führung heißt: loslassen"),
    (GERMAN, "Das ist Vertrauen mit Ansage", D, "Das ist Vertrauen mit Ansage"),
    (GERMAN, "Vielen Dank!", T, ""),
    (GERMAN, "Bitte keine Mails mehr!", STOP, ""),
    (GERMAN, "Schreiben Sie mir nicht mehr.", STOP, ""),
    (GERMAN, "Wer sind Sie?", Q, ""),
    (
        FRENCH,
        "Un bon métier est un métier qu'on transmet",
        D,
        "Un bon métier est un métier qu'on transmet",
    ),
    (
        FRENCH,
        "Pour moi, un bon me\u0301tier est un refuge",
        D,
        "Pour moi, un bon métier est un refuge",
    ),
    (FRENCH, "C'est un refuge.", D, "C'est un refuge."),
    (FRENCH, "Merci beaucoup !", T, ""),
    (FRENCH, "Laissez-moi tranquille", STOP, ""),
    (FRENCH, "Qui êtes-vous ?", Q, ""),
    (SPANISH, "Liderazgo es servir la mesa al final", D, "Liderazgo es servir la mesa al final"),
    (SPANISH, "Para mí, liderazgo es servir", D, "Para mí, liderazgo es servir"),
    (SPANISH, "¡Muchas gracias!", T, ""),
    (SPANISH, "No me escriban más", STOP, ""),
    (SPANISH, "¿Quién es usted?", Q, ""),
    (SWEDISH, "Ledarskap är att våga vänta", D, "Ledarskap är att våga vänta"),
    (SWEDISH, "Det är att våga vänta", D, "Det är att våga vänta"),
    (SWEDISH, "Tack så mycket!", T, ""),
    (SWEDISH, "Sluta skriva till mig", STOP, ""),
    (SWEDISH, "Vem är du?", Q, ""),
]


@pytest.mark.parametrize(("text", "kind", "taken"), REPLIES)
def test_reading_of_a_reply(text: str, kind: ReplyKind, taken: str) -> None:
    reading = read_reply(text, ENGLISH)
    assert (reading.kind, reading.words(text)) == (kind, taken), reading.reason
    assert reading.reason.endswith(".")
    assert 0 <= reading.confidence <= 1


@pytest.mark.parametrize(("asked", "text", "kind", "taken"), OTHER_PROMPTS)
def test_reading_of_a_reply_to_another_prompt(
    asked: Campaign, text: str, kind: ReplyKind, taken: str
) -> None:
    reading = read_reply(text, asked)
    assert (reading.kind, reading.words(text)) == (kind, taken), reading.reason


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(REPLIES) >= 80
    assert len(OTHER_PROMPTS) >= 12
    assert {kind for _, kind, _ in REPLIES} == set(ReplyKind)
