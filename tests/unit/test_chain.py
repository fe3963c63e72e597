"""The chain's arithmetic, on links made by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.chain import (
    GENESIS,
    Break,
    Head,
    Link,
    canonical,
    commitment,
    link_hash,
    own_break,
    verify,
)

KEY = b"k" * 32


def make_links(count: int) -> list[Link]:
    links, before = [], GENESIS
    for seq in range(1, count + 1):
        payload = {"text": f"words {seq}"}
        commit = commitment(KEY, payload)
        own = link_hash(seq, before, "requested", "subject", "2026-11-23", commit)
        links.append(
            Link(
                seq,
                before,
                own,
                "requested",
                "subject",
                "2026-11-23",
                commit,
                seal="open",
                event_key=KEY,
                stated=canonical(payload),
            )
        )
        before = own
    return links


def test_hashes_follow_the_documented_formula() -> None:
    payload = {"b": "ü", "a": [1, True, None]}
    text = '{"a":[1,true,null],"b":"ü"}'
    assert canonical(payload) == text.encode()
    assert commitment(KEY, payload) == hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
    parts = [1, GENESIS, "granted", "s", "2026", "c"]
    plain = json.dumps(parts, separators=(",", ":")).encode()
    assert link_hash(1, GENESIS, "granted", "s", "2026", "c") == hashlib.sha256(plain).hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": float("-inf")}])
def test_values_without_one_spelling_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(value)


def test_an_empty_chain_holds() -> None:
    assert verify([]) == Head(0, GENESIS)
    assert verify([], [Head(0, GENESIS)]) == Head(0, GENESIS)


def test_an_empty_chain_does_not_fit_a_head() -> None:
    assert verify([], [Head(3, "a" * 64)]) == Break(
        1, "the chain ends here, but a head of event 3 exists"
    )


def test_a_whole_chain_holds_and_fits_its_heads() -> None:
    links = make_links(5)
    heads = [Head(0, GENESIS), Head(2, links[1].hash), Head(5, links[4].hash)]
    assert verify(links, heads) == Head(5, links[4].hash)


def test_the_smallest_missing_head_is_named() -> None:
    links = make_links(3)
    found = verify(links, [Head(9, "a" * 64), Head(5, "b" * 64)])
    assert found == Break(4, "the chain ends here, but a head of event 5 exists")


@pytest.mark.parametrize("order", [1, -1])
def test_two_heads_of_one_number_must_both_fit(order: int) -> None:
    links = make_links(3)
    heads = [Head(2, links[1].hash), Head(2, "f" * 64)][::order]
    found = verify(links, heads)
    assert isinstance(found, Break)
    assert found.seq == 2


def test_a_foreign_beginning_is_noticed() -> None:
    other = Break(1, "a head states another beginning")
    assert verify([], [Head(0, "f" * 64)]) == other
    assert verify(make_links(2), [Head(0, "f" * 64)]) == other


@pytest.mark.parametrize("missing", [0, 1, 3])
def test_a_missing_link_is_named(missing: int) -> None:
    links = make_links(5)
    del links[missing]
    found = verify(links)
    assert isinstance(found, Break)
    assert found.reason == f"event {missing + 1} should stand here"


def test_a_link_of_another_chain_does_not_continue_this_one() -> None:
    links = make_links(3)
    other = replace(links[1], prev_hash="e" * 64)
    own = link_hash(2, other.prev_hash, other.kind, other.subject, other.at, other.commitment)
    found = verify([links[0], replace(other, hash=own), links[2]])
    assert found == Break(2, "it does not continue the event before it")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "granted"}, "its content does not match its hash"),
        ({"at": "2027"}, "its content does not match its hash"),
        ({"subject": "other"}, "its content does not match its hash"),
        ({"stated": b'{"text":"other"}'}, "its payload does not match its commitment"),
        ({"event_key": b"x" * 32}, "its payload does not match its commitment"),
        ({"seal": "missing"}, "its payload is missing, and no erasure explains that"),
        ({"seal": "unreadable"}, "its payload is unreadable, and no erasure explains that"),
        ({"seal": "open", "stated": None}, "its payload is open, and no erasure explains that"),
        ({"seal": "erased", "stated": None}, ""),
    ],
)
def test_what_a_link_says_of_itself(change: dict[str, Any], reason: str) -> None:
    assert own_break(replace(make_links(1)[0], **change)) == reason


@pytest.mark.parametrize("value", [b"bytes", None, "\ud800"])
def test_a_column_of_another_type_is_a_break_and_not_a_crash(value: Any) -> None:
    found = verify([replace(make_links(1)[0], kind=value)])
    assert isinstance(found, Break)


def test_a_head_of_another_hash_is_named() -> None:
    found = verify(make_links(3), [Head(2, "f" * 64)])
    assert found == Break(2, "it differs from the head of that number")


def test_a_walk_may_begin_after_a_known_link() -> None:
    links = make_links(5)
    assert verify(links[2:], after=Head(2, links[1].hash)) == Head(5, links[4].hash)
    assert verify(links[2:], after=Head(2, "f" * 64)) == Break(
        3, "it does not continue the event before it"
    )
    assert verify(links[2:], after=Head(1, links[1].hash)) == Break(3, "event 2 should stand here")
    assert verify([], after=Head(2, links[1].hash)) == Head(2, links[1].hash)


@pytest.mark.parametrize(
    ("seal", "reason"),
    [
        ("kept", "its payload is still there, though an erasure names it"),
        ("unsigned", "its list of what was erased is not signed by this instance"),
    ],
)
def test_what_an_erasure_leaves_wrong_is_named(seal: str, reason: str) -> None:
    assert own_break(replace(make_links(1)[0], seal=seal)) == reason


def test_a_payload_is_read_from_what_was_proven() -> None:
    link = make_links(1)[0]
    assert link.payload == {"text": "words 1"}
    assert replace(link, seal="erased", stated=None).payload == {}
