"""What an edition is called when its editor gives it no title."""

from __future__ import annotations

from ledger.periods import Period


def title_by_rule(
    term: str, lang: str, people: int, *, theme: str = "", period: Period | None = None
) -> str:
    """Who defines what; it follows the number of people whose words stand in the edition.

    >>> title_by_rule("Thought leadership", "en", 33)
    '33 people define thought leadership'
    >>> title_by_rule("Thought leadership", "en", 1, theme="listening")
    'One person defines thought leadership: listening'
    """
    of = in_a_sentence(term, lang)
    if people == 0:
        said = f"Definitions of {of}"
    else:
        said = f"One person defines {of}" if people == 1 else f"{people} people define {of}"
    if theme:
        said += f": {theme}"
    return f"{said}, {period.words}" if period else said


def title_of_the_best(term: str, lang: str, period: Period | None) -> str:
    """What the best of a year is called.

    >>> title_of_the_best("Thought leadership", "en", None)
    'The best definitions of thought leadership'
    """
    said = f"The best definitions of {in_a_sentence(term, lang)}"
    return f"{said}, {period.words}" if period else said


def in_a_sentence(term: str, lang: str) -> str:
    """A term as it stands within a sentence: a prompt that begins with it makes it a capital.

    Left as it is where capitals mean something: in German, and in a word with more of them.
    """
    plain = term[1:].islower() and " " in term and not lang.startswith("de")
    return term[:1].lower() + term[1:] if plain else term
