"""Etiquette is code: may we do this to this person now, and if not, by which rule?

The rules are data (etiquette.toml). `may` is pure: it is given the facts about a person and the
clock. Whoever queues or sends a message asks it; what protects people is asked once more in the
transaction that claims the message.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ledger.errors import SettingError
from ledger.model import Channel
from ledger.person import PersonFacts

FILE = Path(__file__).with_name("etiquette.toml")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_VALUE = re.compile(r"\{value(?:, (\w+))?\}")
#: Whose rule it is where a campaign has made it stricter.
CAMPAIGN = "This campaign, which is stricter than our promise"
#: Rules that delay a message and never refuse it.
_HOURLY = frozenset({"quiet_hours", "per_hour", "per_day"})


class Action(StrEnum):
    """What we may want to do. An answer is part of a conversation that they began.

    A goodbye tells once, where a platform wants that, that a "stop" was understood.
    """

    GREET = "greet"
    FOLLOW_UP = "follow_up"
    ASK = "ask"
    REMIND = "remind"
    THANK = "thank"
    ANSWER = "answer"
    GOODBYE = "goodbye"


@dataclass(frozen=True)
class Rule:
    """One rule as it is in force for a channel; texts have their value filled in."""

    name: str
    applies: frozenset[Action]
    value: Any
    stricter: str
    sentence: str
    promise: str
    source: str
    url: str = ""


Rules = Mapping[str, Rule]


@dataclass(frozen=True)
class Block:
    """Why something may not be done now. `unlocks_at`: when time alone lifts it."""

    rule: str
    sentence: str
    source: str
    url: str
    unlocks_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether a message may be kept until then: only the hour is wrong, not the message."""
        return self.rule in _HOURLY


@dataclass(frozen=True)
class Verdict:
    """The first rule in the way, if any; and the rule that wants a person to send it, if any."""

    block: Block | None = None
    by_hand: Rule | None = None

    @property
    def allowed(self) -> bool:
        return self.block is None


def may(action: Action, facts: PersonFacts, rules: Rules, now: datetime) -> Verdict:
    """Whether this may be done to this person now, by these rules."""
    if action is Action.GOODBYE:
        rule = rules["goodbye"]
        refused = Block("goodbye", rule.sentence, rule.source, rule.url)
        return Verdict(None if rule.value else refused)
    by_hand = rules["by_hand"]
    hand = by_hand if action in by_hand.applies and _wants_a_hand(by_hand, facts) else None
    for name, check in _CHECKS.items():
        rule = rules[name]
        if action not in rule.applies:
            continue
        broken = check(rule, facts, now)
        if broken:
            until = broken if isinstance(broken, datetime) else None
            return Verdict(Block(name, rule.sentence, rule.source, rule.url, until), hand)
    return Verdict(by_hand=hand)


def rules_for(channel: Channel | None, stricter: Mapping[str, Any] | None = None) -> Rules:
    """The rules in force on a channel (None: on any), with what a campaign has made stricter.

    A campaign's value that is not stricter is left out: a promise is never loosened.
    """
    stored = _stored()
    named = stored.get("channel", {}).get(channel, {}) if channel else {}
    rules = {}
    for name, parts in stored["rule"].items():
        rule = _rule(name, {**parts, **named.get(name, {})})
        wanted = (stricter or {}).get(name)
        if wanted is not None and wanted != rule.value and is_stricter(rule, wanted):
            rule = replace(rule, value=wanted, source=CAMPAIGN, url="")
        rules[name] = _filled(rule)
    return rules


def channel_rules() -> Iterator[tuple[Channel, Rule]]:
    """Where a channel differs from the rest, and how."""
    for channel, named in _stored().get("channel", {}).items():
        rules = rules_for(Channel(channel))
        for name in named:
            yield Channel(channel), rules[name]


def promises() -> list[str]:
    """What we promise, in the order of the rules, for readers; no campaign may loosen it."""
    told = [rule.promise for rule in rules_for(None).values() if rule.promise]
    for channel, named in _stored().get("channel", {}).items():
        rules = rules_for(Channel(channel))
        told += [rules[name].promise for name, parts in named.items() if parts.get("promise")]
    return told


def movable_rules() -> list[Rule]:
    """The rules that a campaign may make stricter."""
    return [rule for rule in rules_for(None).values() if rule.stricter != "never"]


def is_stricter(rule: Rule, wanted: Any) -> bool:
    """Whether this value protects people as well as the rule's own, or better."""
    if rule.stricter == "hours":
        return (
            isinstance(wanted, list)
            and len(wanted) == 2
            and all(_is_time(one) for one in wanted)
            and _minutes(rule.value) <= _minutes(wanted)
        )
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
        return False
    if rule.stricter == "higher":
        return bool(wanted >= rule.value)
    return rule.stricter == "lower" and bool(wanted <= rule.value)


def checked_overrides(given: Mapping[str, Any]) -> dict[str, Any]:
    """Stricter values as a campaign may keep them. Raises SettingError naming what is not."""
    rules = rules_for(None)
    for name, wanted in given.items():
        if name not in rules or rules[name].stricter == "never":
            raise SettingError(f"The rule '{name}' can't be changed.", "Leave it out.")
        if not is_stricter(rules[name], wanted):
            raise SettingError(
                f"{wanted!r} would be less strict than {rules[name].value!r} ({name}), or is no "
                "value for it.",
                "A campaign may keep more distance than promised, never less.",
            )
    return dict(given)


def checked_zone(name: str) -> str:
    """An IANA time zone such as Europe/Berlin; empty: not known. Raises SettingError."""
    name = name.strip()
    if not name:
        return ""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise SettingError(
            f"There is no time zone '{name}'.", "Write it as Europe/Berlin or America/New_York."
        ) from error
    return name


def _stopped(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.stopped_at is not None


def _bots(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.is_bot


def _no_bots(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.wants_no_bots


def _protected(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.is_protected


def _wrote_first(rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return bool(rule.value) and facts.messages == 0


def _strangers_only(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.has_answered or facts.was_asked


def _one_greeting(rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.greetings >= int(rule.value)


def _after_greeting(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    begun = facts.greeted_from or facts.greeted_at
    return begun is None or facts.has_answered or facts.wrote_since(begun)


def _one_follow_up(rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.follow_ups >= int(rule.value)


def _follow_up_days(rule: Rule, facts: PersonFacts, now: datetime) -> datetime | None:
    assert facts.greeted_at is not None  # after_greeting stands before
    unlocks = facts.greeted_at + timedelta(days=rule.value)
    return unlocks if now < unlocks else None


def _exchange(rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.messages < int(rule.value)


def _cooling_off(rule: Rule, facts: PersonFacts, now: datetime) -> datetime | None:
    if facts.refused_at is None or facts.wrote_since(facts.refused_at):
        return None
    unlocks = facts.refused_at + timedelta(days=rule.value)
    return unlocks if now < unlocks else None


def _not_now(rule: Rule, facts: PersonFacts, now: datetime) -> datetime | None:
    if facts.postponed_at is None or facts.wrote_since(facts.postponed_at):
        return None
    unlocks = facts.postponed_at + timedelta(days=rule.value)
    return unlocks if now < unlocks else None


def _no_nagging(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.expired_at is not None and not facts.wrote_since(facts.expired_at)


def _open_question(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.question_left_at is None or facts.wrote_since(facts.question_left_at)


def _one_reminder(rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.reminders >= int(rule.value)


def _reminder_days(rule: Rule, facts: PersonFacts, now: datetime) -> datetime | None:
    assert facts.question_left_at is not None  # open_question stands before
    unlocks = facts.question_left_at + timedelta(days=rule.value)
    return unlocks if now < unlocks else None


def _after_publishing(_rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return not (facts.granted and facts.published)


def _one_thanks(rule: Rule, facts: PersonFacts, _now: datetime) -> bool:
    return facts.thanks >= int(rule.value)


def _quiet_hours(rule: Rule, facts: PersonFacts, now: datetime) -> datetime | None:
    if not rule.value:
        return None
    here = now.astimezone(ZoneInfo(facts.zone) if facts.zone else UTC)
    start, end = (time.fromisoformat(one) for one in rule.value)
    at = here.time()
    quiet = start <= at < end if start < end else at >= start or at < end
    if not quiet:
        return None
    morning = here.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
    if morning <= here:
        morning = (here + DAY).replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
    return morning.astimezone(UTC)


def _per_hour(rule: Rule, facts: PersonFacts, now: datetime) -> datetime | None:
    return _cap(rule, facts, now, HOUR)


def _per_day(rule: Rule, facts: PersonFacts, now: datetime) -> datetime | None:
    return _cap(rule, facts, now, DAY)


def _cap(rule: Rule, facts: PersonFacts, now: datetime, window: timedelta) -> datetime | None:
    within = sorted(at for at in facts.account_sent if at > now - window)
    most = int(rule.value)
    if len(within) < most:
        return None
    # Once the oldest of the newest `most` has left the window, there is room again.
    return within[len(within) - most] + window if most > 0 else now + window


def _wants_a_hand(rule: Rule, facts: PersonFacts) -> bool:
    if rule.value == "unless_following" and facts.follows:
        return False
    return rule.value == "always" or (rule.value != "never" and facts.messages == 0)


#: In the order in which they are asked: what protects a person first, what only waits last.
_CHECKS = {
    "stopped": _stopped,
    "bots": _bots,
    "no_bots": _no_bots,
    "protected": _protected,
    "strangers_only": _strangers_only,
    "one_greeting": _one_greeting,
    "wrote_first": _wrote_first,
    "after_greeting": _after_greeting,
    "one_follow_up": _one_follow_up,
    "follow_up_days": _follow_up_days,
    "exchange": _exchange,
    "no_nagging": _no_nagging,
    "cooling_off_days": _cooling_off,
    "not_now_days": _not_now,
    "open_question": _open_question,
    "one_reminder": _one_reminder,
    "reminder_days": _reminder_days,
    "after_publishing": _after_publishing,
    "one_thanks": _one_thanks,
    "per_hour": _per_hour,
    "per_day": _per_day,
    "quiet_hours": _quiet_hours,
}


@cache
def _stored() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _rule(name: str, parts: Mapping[str, Any]) -> Rule:
    return Rule(
        name,
        frozenset(Action(one) for one in parts["applies"]),
        parts["value"],
        parts["stricter"],
        parts["sentence"],
        parts["promise"],
        parts["source"],
        parts.get("url", ""),
    )


def _filled(rule: Rule) -> Rule:
    return replace(
        rule,
        sentence=_VALUE.sub(lambda found: _said(rule.value, found[1]), rule.sentence),
        promise=_VALUE.sub(lambda found: _said(rule.value, found[1]), rule.promise),
    )


def _said(value: Any, how: str | None) -> str:
    if isinstance(value, list):
        return " and ".join(value)
    if how == "times":
        return "once" if value == 1 else f"{value} times"
    return str(value)


def _is_time(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d", text) is not None


def _minutes(hours: list[str]) -> set[int]:
    """The minutes of a day that lie within; the whole day when both ends are the same."""
    if not hours:
        return set()
    start, end = (int(one[:2]) * 60 + int(one[3:]) for one in hours)
    length = (end - start) % 1440 or 1440
    return {(start + minute) % 1440 for minute in range(length)}
