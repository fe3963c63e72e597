"""After an erasure: make the database file forget what its rows held.

A deleted row's bytes stay in a file until something else is written there, and in the log beside
it. So the file is written anew (VACUUM) and the log emptied, once the publisher has cleared what
it keeps of the site. On PostgreSQL the tables are written anew; its own log is up to its operator.
"""

from __future__ import annotations

import json

from sqlalchemy import delete

from ledger.database import Ledger, friendly_database_errors
from ledger.forgetting import TO_SCRUB, forget_edges, forget_late, to_scrub
from ledger.jobs import JobKind, is_waiting
from ledger.tables import instance, metadata


def scrub(ledger: Ledger) -> bool:
    """Write the database anew if something was erased; False when nothing was, or not yet.

    What is erased while this runs is left for the next time.
    """
    with ledger.read() as connection:
        wanted = to_scrub(connection)
        if wanted is None or any(
            is_waiting(connection, JobKind.PUBLISH, definition) for definition in wanted
        ):
            return False
    with ledger.write() as connection:
        if forget_late(connection, ledger.keys, ledger.clock()):
            return False  # the publisher looks at these first
        forget_edges(connection, wanted)
    if not write_anew(ledger):
        return False
    with ledger.write() as connection:
        value = json.dumps(wanted)
        connection.execute(
            delete(instance).where(instance.c.name == TO_SCRUB, instance.c.value == value)
        )
    return True


def write_anew(ledger: Ledger) -> bool:
    """Write the database without what was deleted; False while a reader keeps its log in use."""
    if ledger.engine.dialect.name == "sqlite":
        return _sqlite(ledger)
    with friendly_database_errors(), ledger.engine.connect() as connection:
        apart = connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in metadata.sorted_tables:
            apart.exec_driver_sql(f"VACUUM FULL {table.name}")
    return True


def _sqlite(ledger: Ledger) -> bool:
    # On the driver's own connection: VACUUM can't run inside a transaction.
    connection = ledger.engine.raw_connection()
    try:
        with friendly_database_errors():
            cursor = connection.cursor()
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            state = cursor.fetchone()
            cursor.close()
    finally:
        connection.close()
    # "busy" is the first of three numbers (sqlite.org, PRAGMA wal_checkpoint).
    return state is not None and not state[0]
