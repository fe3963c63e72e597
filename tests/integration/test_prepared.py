"""Prepared statements say what `Connection.execute` says, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.errors import TemporaryError
from ledger.prepared import MOST_IN_LIST, Prepared, inserting
from ledger.tables import campaigns, editions, instance, jobs, leases, site_edges

AT = datetime(2026, 3, 9, 12, 30, 15, 123456, UTC)
NAMES = [f"name {number}" for number in range(2 * MOST_IN_LIST)]


def fill(ledger: Ledger) -> None:
    with ledger.write() as connection:
        connection.execute(insert(instance), [{"name": one, "value": "x"} for one in NAMES])
        for subject, not_before in (("one", AT), ("two", None)):
            connection.execute(
                insert(jobs).values(
                    kind="publish", subject=subject, created_at=AT, not_before=not_before
                )
            )
        campaign = add_campaign(connection, AT, prompt="Home is ___.")
        add_edition(connection, AT, campaign_id=campaign.id, title="One", definition_ids=("b", "a"))


@pytest.mark.parametrize("count", [1, 2, MOST_IN_LIST, MOST_IN_LIST + 1, 0])
def test_lists_of_any_length(any_ledger: Ledger, count: int) -> None:
    fill(any_ledger)
    wanted = select(instance.c.name).where(
        instance.c.name.in_(bindparam("names", expanding=True)), instance.c.value == "x"
    )
    prepared = Prepared(wanted)
    with any_ledger.read() as connection:
        for names in (NAMES[:count], NAMES[5 : 5 + count]):
            found = prepared.tuples(connection, {"names": names})
            assert sorted(found) == sorted((one,) for one in names)


def test_lists_of_pairs(any_ledger: Ledger) -> None:
    pairs = [("a", "1"), ("a", "2"), ("b", "1")]
    rows = [{"definition_id": one, "edition_id": other} for one, other in pairs]
    wanted = Prepared(
        select(site_edges.c.definition_id, site_edges.c.edition_id).where(
            tuple_(site_edges.c.definition_id, site_edges.c.edition_id).in_(
                bindparam("pairs", expanding=True)
            )
        )
    )
    with any_ledger.write() as connection:
        inserting(site_edges).run(connection, rows)
        for some in (pairs[1:], pairs[:1]):
            assert sorted(wanted.tuples(connection, {"pairs": some})) == some


def test_times_truths_and_json_come_out_as_they_went_in(any_ledger: Ledger) -> None:
    fill(any_ledger)
    due = select(jobs).where(jobs.c.not_before <= bindparam("now")).limit(bindparam("most"))
    with any_ledger.read() as connection:
        for statement, values in (
            (due, {"now": AT, "most": 5}),
            (select(campaigns), {}),
            (select(editions.c.id, editions.c.definition_ids), {}),
        ):
            expected = [row._asdict() for row in connection.execute(statement, values)]
            assert expected
            found: list[Any] = Prepared(statement).rows(connection, values)
            assert [row._asdict() for row in found] == expected
        assert Prepared(select(campaigns.c.is_open)).scalar(connection) is True
        assert (
            Prepared(select(jobs.c.id).where(jobs.c.subject == "none")).scalar(connection) is None
        )


def test_changes_are_part_of_the_transaction(any_ledger: Ledger) -> None:
    fill(any_ledger)
    this = instance.c.name == bindparam("of")
    change = Prepared(update(instance).where(this).values(value=bindparam("to")))
    drop = Prepared(delete(instance).where(this))
    values = Prepared(select(instance.c.value).where(this))

    def undone() -> None:
        with any_ledger.write() as connection:
            drop.run(connection, [{"of": one} for one in NAMES])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    with any_ledger.write() as connection:
        change.run(connection, [{"of": one, "to": one.upper()} for one in NAMES[:2]])
        drop.run(connection, [{"of": NAMES[2]}])
        drop.run(connection, [])
    with any_ledger.read() as connection:
        found = [values.scalar(connection, {"of": one}) for one in NAMES[:4]]
    assert found == ["NAME 0", "NAME 1", None, "x"]


def test_what_an_update_returns(any_ledger: Ledger) -> None:
    new = {"name": "publish", "holder": "", "fence": 7, "expires_at": AT}
    take = Prepared(
        update(leases)
        .where(leases.c.name == bindparam("of"))
        .values(fence=leases.c.fence + 1)
        .returning(leases.c.fence)
    )
    with any_ledger.write() as connection:
        inserting(leases).run(connection, [new])
        assert take.scalar(connection, {"of": "publish"}) == 8
        assert take.scalar(connection, {"of": "nobody"}) is None
    with any_ledger.read() as connection:
        assert connection.execute(select(leases.c.fence)).scalar() == 8


def test_an_error_is_the_one_that_sqlalchemy_raises_and_repeats_no_words(
    any_ledger: Ledger,
) -> None:
    fill(any_ledger)
    again = {"name": NAMES[0], "value": "somebody's words"}
    with pytest.raises(IntegrityError) as caught, any_ledger.write() as connection:
        inserting(instance).run(connection, [again])
    assert "somebody's words" not in str(caught.value)


def test_what_an_operator_can_mend_is_a_sentence(ledger: Ledger) -> None:
    long = [{"name": f"{number}", "value": "x" * 5000} for number in range(50)]

    def write() -> None:
        with ledger.write() as connection:
            # Where SQLite would need another page it says what it says on a full disk.
            connection.exec_driver_sql("PRAGMA max_page_count=1")
            inserting(instance).run(connection, long)

    with pytest.raises(TemporaryError, match="disk is full"):
        write()
