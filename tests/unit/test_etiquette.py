"""The rules, one by one: what holds back whom, until when, and that nobody can loosen them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.etiquette_page import etiquette_markdown
from ledger import etiquette
from ledger.errors import SettingError
from ledger.etiquette import (
    Action,
    Rules,
    checked_overrides,
    checked_zone,
    is_stricter,
    may,
    movable_rules,
    promises,
    rules_for,
)
from ledger.model import Channel
from ledger.person import PersonFacts
from ledger.stages import Stage, next_steps, stage_of
from publisher.pages import PROMISES, with_promises

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STRANGER = PersonFacts(Channel.MASTODON)
TALKING = PersonFacts(Channel.MASTODON, messages=2, last_wrote_at=NOON - DAY)
GREETED = PersonFacts(Channel.MASTODON, greetings=1, greeted_at=NOON - 10 * DAY)
PUBLISHED = replace(TALKING, granted=True, published=True, has_answered=True, was_asked=True)
POSTPONED = replace(TALKING, postponed_at=NOON - 20 * DAY, last_wrote_at=NOON - 21 * DAY)
REFUSED = replace(TALKING, refused_at=NOON - 80 * DAY, last_wrote_at=NOON - 81 * DAY)
HALF_HOUR = timedelta(minutes=30)
ALL = (Action.GREET, Action.FOLLOW_UP, Action.ASK, Action.REMIND, Action.THANK)
WAITING = replace(
    TALKING, question_left_at=NOON - 10 * DAY, last_wrote_at=NOON - 11 * DAY, was_asked=True
)
CAPS = rules_for(Channel.MASTODON)
#: Rule, action, facts that break it, and the hours until time alone lifts it (None: never).
BROKEN: list[tuple[str, Action, PersonFacts, float | None]] = [
    ("stopped", Action.GREET, replace(STRANGER, stopped_at=NOON), None),
    ("stopped", Action.FOLLOW_UP, replace(GREETED, stopped_at=NOON), None),
    ("stopped", Action.ASK, replace(TALKING, stopped_at=NOON), None),
    ("stopped", Action.THANK, replace(PUBLISHED, stopped_at=NOON), None),
    ("stopped", Action.ANSWER, replace(TALKING, stopped_at=NOON), None),
    ("bots", Action.GREET, replace(STRANGER, is_bot=True), None),
    ("no_bots", Action.GREET, replace(STRANGER, wants_no_bots=True), None),
    ("protected", Action.GREET, replace(STRANGER, is_protected=True), None),
    ("strangers_only", Action.GREET, replace(TALKING, has_answered=True), None),
    ("strangers_only", Action.GREET, replace(TALKING, was_asked=True), None),
    ("one_greeting", Action.GREET, GREETED, None),
    ("wrote_first", Action.GREET, PersonFacts(Channel.EMAIL), None),
    ("after_greeting", Action.FOLLOW_UP, STRANGER, None),
    ("after_greeting", Action.FOLLOW_UP, replace(GREETED, last_wrote_at=NOON), None),
    ("one_follow_up", Action.FOLLOW_UP, replace(GREETED, follow_ups=1), None),
    ("follow_up_days", Action.FOLLOW_UP, replace(GREETED, greeted_at=NOON - 6 * DAY), 24),
    ("exchange", Action.ASK, STRANGER, None),
    ("no_nagging", Action.ASK, replace(TALKING, expired_at=NOON), None),
    ("cooling_off_days", Action.ASK, REFUSED, 240),
    ("not_now_days", Action.ASK, POSTPONED, 240),
    ("open_question", Action.REMIND, TALKING, None),
    ("open_question", Action.REMIND, replace(WAITING, last_wrote_at=NOON - DAY), None),
    ("one_reminder", Action.REMIND, replace(WAITING, reminders=1), None),
    ("reminder_days", Action.REMIND, replace(WAITING, question_left_at=NOON - 6 * DAY), 24),
    ("stopped", Action.REMIND, replace(WAITING, stopped_at=NOON), None),
    ("after_publishing", Action.THANK, replace(PUBLISHED, published=False), None),
    ("after_publishing", Action.THANK, replace(PUBLISHED, granted=False), None),
    ("one_thanks", Action.THANK, replace(PUBLISHED, thanks=1), None),
    ("per_hour", Action.ASK, replace(TALKING, account_sent=(NOON - HALF_HOUR,) * 5), 0.5),
    ("per_day", Action.ASK, replace(TALKING, account_sent=(NOON - timedelta(hours=20),) * 20), 4),
    ("quiet_hours", Action.ASK, replace(TALKING, zone="Asia/Tokyo"), 11),
]  # fmt: skip


def rules_of(facts: PersonFacts) -> Rules:
    return rules_for(facts.channel)


@pytest.mark.parametrize(("name", "action", "facts", "hours"), BROKEN)
def test_a_broken_rule_is_named_with_its_source_and_when_it_unlocks(
    name: str, action: Action, facts: PersonFacts, hours: float | None
) -> None:
    block = may(action, facts, rules_of(facts), NOON).block
    assert block is not None
    assert block.rule == name
    assert block.sentence.endswith(".")
    assert block.source
    assert "{" not in block.sentence
    assert block.unlocks_at == (None if hours is None else NOON + timedelta(hours=hours))
    if block.unlocks_at is not None:
        later = may(action, facts, rules_of(facts), block.unlocks_at).block
        assert later is None or later.rule != name
        before = may(action, facts, rules_of(facts), block.unlocks_at - timedelta(minutes=1)).block
        assert before is not None


def test_every_rule_that_holds_for_something_can_hold_it_back() -> None:
    applying = {name for name, rule in CAPS.items() if rule.applies} - {"by_hand", "goodbye"}
    assert applying == {name for name, *_ in BROKEN}


def test_what_no_rule_forbids_is_allowed() -> None:
    for action, facts in (
        (Action.GREET, STRANGER),
        (Action.FOLLOW_UP, GREETED),
        (Action.ASK, TALKING),
        (Action.REMIND, WAITING),
        (Action.THANK, PUBLISHED),
        (Action.ANSWER, TALKING),
        (Action.ASK, replace(TALKING, refused_at=NOON - 2 * DAY)),  # they wrote since
        (Action.ASK, replace(TALKING, expired_at=NOON - 2 * DAY)),
    ):
        assert may(action, facts, rules_of(facts), NOON).allowed, action


def test_who_has_to_send_it_follows_the_channel() -> None:
    def by_hand(channel: Channel, messages: int = 0) -> bool:
        facts = PersonFacts(channel, messages=messages, last_wrote_at=NOON if messages else None)
        return may(Action.GREET, facts, rules_for(channel), NOON).by_hand is not None

    assert by_hand(Channel.X)
    assert by_hand(Channel.X, messages=3)
    assert by_hand(Channel.BLUESKY)
    assert not by_hand(Channel.BLUESKY, messages=1)
    assert by_hand(Channel.MASTODON)
    assert not by_hand(Channel.MASTODON, messages=1)
    for channel, is_by_hand in (
        (Channel.MASTODON, False), (Channel.BLUESKY, True), (Channel.X, True),
    ):  # fmt: skip
        follower = PersonFacts(channel, follows=True)
        verdict = may(Action.GREET, follower, rules_for(channel), NOON)
        assert (verdict.by_hand is not None) is is_by_hand, channel
    assert by_hand(Channel.PASTE)
    facts = PersonFacts(Channel.X, messages=1, last_wrote_at=NOON)
    assert may(Action.ASK, facts, rules_for(Channel.X), NOON).by_hand is None


def test_quiet_hours_follow_the_clock_on_their_wall() -> None:
    """Berlin changes to summer time in the night of 2026-03-29."""
    facts = replace(TALKING, zone="Europe/Berlin")

    def unlocks(moment: str) -> str:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        block = may(Action.ASK, facts, rules_of(facts), at).block
        return f"{block.unlocks_at:%d %H:%M}" if block and block.unlocks_at else ""

    assert unlocks("2026-03-28 19:59") == ""
    assert unlocks("2026-03-28 20:00") == "29 06:00"
    assert unlocks("2026-03-29 05:59") == "29 06:00"
    assert unlocks("2026-03-29 06:00") == ""
    assert unlocks("2026-03-27 22:00") == "28 07:00"


def test_mail_waits_for_no_hour_unless_a_campaign_wants_that() -> None:
    night = NOON.replace(hour=23)
    facts = PersonFacts(Channel.EMAIL, messages=1, last_wrote_at=NOON)
    assert may(Action.ASK, facts, rules_for(Channel.EMAIL), night).allowed
    stricter = rules_for(Channel.EMAIL, {"quiet_hours": ["20:00", "09:00"]})
    assert not may(Action.ASK, facts, stricter, night).allowed


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("per_day", 5, True),
        ("per_day", 20, True),
        ("per_day", 21, False),
        ("per_day", 0, True),
        ("per_day", -1, False),
        ("per_day", True, False),
        ("per_day", "5", False),
        ("follow_up_days", 14, True),
        ("follow_up_days", 6, False),
        ("cooling_off_days", 30, False),
        ("exchange", 0, False),
        ("exchange", 3, True),
        ("one_follow_up", 0, True),
        ("one_follow_up", 2, False),
        ("one_greeting", 2, False),
        ("stopped", False, False),
        ("quiet_hours", ["20:00", "09:00"], True),
        ("quiet_hours", ["22:00", "08:00"], False),
        ("quiet_hours", ["21:00", "07:59"], False),
        ("quiet_hours", ["08:00", "21:00"], False),
        ("quiet_hours", [], False),
        ("quiet_hours", ["25:00", "08:00"], False),
        ("nonsense", 1, False),
    ],
)
def test_a_campaign_may_be_stricter_and_never_less(name: str, value: Any, allowed: bool) -> None:
    if allowed:
        assert checked_overrides({name: value}) == {name: value}
        assert rules_for(Channel.MASTODON, {name: value})[name].value == value
        return
    with pytest.raises(SettingError):
        checked_overrides({name: value})
    before, after = rules_for(Channel.MASTODON), rules_for(Channel.MASTODON, {name: value})
    # Even when it stands in the database, it loosens nothing.
    assert {one: rule.value for one, rule in after.items()} == {
        one: rule.value for one, rule in before.items()
    }


@given(
    st.dictionaries(
        st.sampled_from(sorted(CAPS)),
        st.one_of(
            st.integers(-5, 500),
            st.booleans(),
            st.lists(st.sampled_from(["00:00", "07:00", "12:00", "21:00", "23:59"]), max_size=2),
        ),
    ),
    st.sampled_from([STRANGER, TALKING, GREETED, PUBLISHED]),
    st.sampled_from(ALL),
    st.integers(0, 47),
)
def test_no_override_allows_what_the_rules_forbid(
    stricter: dict[str, Any], facts: PersonFacts, action: Action, hours: int
) -> None:
    now = NOON + timedelta(hours=hours)
    if not may(action, facts, rules_for(facts.channel), now).allowed:
        assert not may(action, facts, rules_for(facts.channel, stricter), now).allowed


def test_a_stricter_value_names_the_campaign_as_its_source() -> None:
    facts = replace(TALKING, refused_at=NOON - 100 * DAY, last_wrote_at=NOON - 101 * DAY)
    block = may(Action.ASK, facts, rules_for(Channel.X, {"cooling_off_days": 120}), NOON).block
    assert block is not None
    assert block.source == "This campaign, which is stricter than our promise"
    assert block.url == ""
    assert block.unlocks_at == NOON + 20 * DAY
    # What it repeats, or would loosen, stays our own promise.
    for value in (90, 10):
        rules = rules_for(Channel.X, {"cooling_off_days": value})
        assert rules["cooling_off_days"].source == "Our promise"
    assert rules_for(Channel.X, {"cooling_off_days": 120})["exchange"].source.startswith("Our")


def test_a_zero_cap_lets_nothing_leave() -> None:
    rules = rules_for(Channel.MASTODON, {"per_day": 0})
    assert may(Action.ASK, TALKING, rules, NOON).block is not None


def test_a_zone_is_one_that_exists() -> None:
    assert checked_zone(" Europe/Berlin ") == "Europe/Berlin"
    assert checked_zone("") == ""
    for wrong in ("Berlin", "../etc/passwd", "/etc/localtime", "UTC+1", "\0"):
        with pytest.raises(SettingError):
            checked_zone(wrong)


# ------------------------------------------------------------------ stages
STAGES: list[tuple[PersonFacts, Stage]] = [
    (STRANGER, Stage.STRANGER),
    (GREETED, Stage.GREETED),
    (replace(GREETED, messages=1, last_wrote_at=NOON), Stage.REPLIED),
    (TALKING, Stage.TALKING),
    (replace(TALKING, was_asked=True, question_is_open=True), Stage.ASKED),
    (replace(PUBLISHED, published=False), Stage.GRANTED),
    (PUBLISHED, Stage.PUBLISHED),
    (replace(PUBLISHED, thanks=1), Stage.THANKED),
    (replace(PUBLISHED, thanks=1, interviewed=True), Stage.INTERVIEWED),
    (replace(PUBLISHED, interviewed=True, question_is_open=True), Stage.ASKED),
    (replace(PUBLISHED, thanks=1, granted=False), Stage.TALKING),  # taken back
    (replace(PUBLISHED, stopped_at=NOON), Stage.OPTED_OUT),
]


@pytest.mark.parametrize(("facts", "stage"), STAGES)
def test_a_stage_follows_from_what_happened(facts: PersonFacts, stage: Stage) -> None:
    assert stage_of(facts) is stage


def test_every_stage_can_be_reached_and_says_what_comes_next() -> None:
    assert {stage for _, stage in STAGES} == set(Stage)
    steps = next_steps(GREETED, rules_of(GREETED), NOON)
    assert [(step.action, step.block.rule if step.block else "") for step in steps] == [
        (Action.FOLLOW_UP, ""),
        (Action.ASK, "exchange"),
    ]
    assert next_steps(replace(PUBLISHED, stopped_at=NOON), CAPS, NOON) == []
    thanked = replace(PUBLISHED, thanks=1, refused_at=NOON, last_wrote_at=NOON)
    (step,) = next_steps(thanked, rules_of(thanked), NOON)
    assert (step.action, step.block and step.block.rule) == (Action.ASK, "cooling_off_days")
    interviewed = replace(PUBLISHED, interviewed=True)
    assert next_steps(interviewed, rules_of(interviewed), NOON) == []


# ------------------------------------------------------------------ rule and promise
def test_what_readers_are_told_is_what_the_rules_say() -> None:
    """The page of the blog and the document come from the data, numbers and all."""
    shown = with_promises(f"## How we ask\n\n{PROMISES}\n")
    assert PROMISES not in shown
    for promise in promises():
        assert f"- {promise}" in shown
        assert promise in etiquette_markdown()
        assert "{" not in promise
    rules = rules_for(None)
    for name in ("cooling_off_days", "follow_up_days"):
        assert str(rules[name].value) in rules[name].promise
    assert "21:00 and 08:00" in shown


def test_the_page_that_readers_get_has_the_rules() -> None:
    page = (
        Path(etiquette.__file__).parents[1] / "content" / "pages" / "how-it-works.md"
    ).read_text()
    assert page.count(f"\n{PROMISES}\n") == 1
    assert "We don't write to you again" not in page, "said by the rules, once"


def test_a_rule_that_changes_changes_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = etiquette._stored()
    changed = {**stored, "rule": {**stored["rule"]}}
    changed["rule"]["cooling_off_days"] = {**stored["rule"]["cooling_off_days"], "value": 123}
    monkeypatch.setattr(etiquette, "_stored", lambda: changed)
    assert "123 days" in with_promises(PROMISES)
    assert "123 days" in etiquette_markdown()
    refused = replace(TALKING, refused_at=NOON, last_wrote_at=NOON - DAY)
    block = may(Action.ASK, refused, rules_for(Channel.MASTODON), NOON).block
    assert block is not None
    assert block.unlocks_at == NOON + timedelta(days=123)


def test_every_movable_rule_says_which_way() -> None:
    assert {rule.name for rule in movable_rules()} == {
        *("one_follow_up", "follow_up_days", "exchange", "cooling_off_days", "not_now_days"),
        *("one_reminder", "reminder_days", "one_thanks"),
        *("quiet_hours", "per_hour", "per_day"),
    }
    for rule in movable_rules():
        assert is_stricter(rule, rule.value)
