"""docs/explanation/etiquette.md, from the rules that the program keeps (ledger/etiquette.toml)."""

from __future__ import annotations

from ledger.etiquette import Action, Rule, channel_rules, promises, rules_for

NOTE = "<!-- Made by `python -m docs.generate` from ledger/etiquette.toml; change that. -->"
_DOING = {
    Action.GREET: "greet",
    Action.FOLLOW_UP: "remind",
    Action.ASK: "ask",
    Action.REMIND: "remind of the question",
    Action.THANK: "thank",
    Action.ANSWER: "answer",
    Action.GOODBYE: "say goodbye",
}
_MOVES = {
    "never": "no",
    "lower": "lower",
    "higher": "higher",
    "hours": "longer",
}
_INTRODUCTION = """\
Nobody is spammed: that is one of the two rules above every feature. It is kept by code, not by
good intentions. The rules are data, in `ledger/etiquette.toml`; one pure function decides by them
(`may` in `ledger/etiquette.py`), and it is asked three times: when a page of the desk is shown,
when a message is stored, and once more in the transaction that claims the message for sending.
Where a person sends it by hand, it is asked whenever they open it: a composer is offered only
while every rule allows it, and what no hour lifts is put away with its reason. What is held back
is shown with its rule, whose rule it is, and when it unlocks.

A campaign may be stricter than this, under *Manners* at the desk, and never less strict.

Greetings are drafted from a template and finished by a person, who adds one true sentence about
the reader. A linter looks for links, offers and sales talk in the campaign's language and in
English (`collector/greeting_words.toml`), for a sentence that is missing, that would fit anybody,
or that was written to somebody else before, be it with another name, other marks or a word
exchanged, and says why it objects. The template's own words count for nothing in that. Each
greeting ends with a sentence that says how to stop this. There is no way to write to more than
one person at a time.

What profiles say of programs (a bot's label, #nobot, a protected account) is kept whenever one is
read, under a keyed hash of its address, and holds for the whole person.

Whoever says stop is left alone on every channel from that transaction on. Their addresses are kept
as keyed hashes only, in the database and in `stopped.json` beside it, so that an import, a merge
or a restored backup can't bring them back. On X, where a direct message is expected to be
acknowledged, one goodbye says that it was understood.
"""


def etiquette_markdown() -> str:
    """Every rule with its value, what it holds for, whose it is, and where channels differ."""
    lines = ["# Etiquette", "", NOTE, "", _INTRODUCTION]
    lines += ["## What readers are told", ""]
    lines += ["The page *How it works* of the blog shows these, from the same data:", ""]
    lines += [f"- {promise}" for promise in promises()]
    lines += ["", "## The rules", ""]
    lines += ["| Rule | Holds for | Value | What the desk says | Stricter | Whose rule |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| `{rule.name}` | {_holds_for(rule)} | {_value(rule)} | {rule.sentence} "
        f"| {_MOVES[rule.stricter]} | {rule.source} |"
        for rule in rules_for(None).values()
    ]
    lines += ["", "*Stricter* says which way a campaign may move the value.", ""]
    lines += ["## Where channels differ", ""]
    lines += ["| Channel | Rule | Value | What the desk says | Whose rule |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {channel} | `{rule.name}` | {_value(rule)} | {rule.sentence if rule.value else '–'} "
        f"| {_source(rule)} |"
        for channel, rule in channel_rules()
    ]
    return "\n".join(lines) + "\n"


def _holds_for(rule: Rule) -> str:
    return ", ".join(word for action, word in _DOING.items() if action in rule.applies) or "words"


def _value(rule: Rule) -> str:
    if isinstance(rule.value, list):
        return " to ".join(rule.value) or "none"
    if isinstance(rule.value, bool):
        return "yes" if rule.value else "no"
    return str(rule.value)


def _source(rule: Rule) -> str:
    return f"[{rule.source}]({rule.url})" if rule.url else rule.source
