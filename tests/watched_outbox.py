"""A database that writes down each move of each message by itself, whatever code makes it."""

from __future__ import annotations

from ledger.database import Ledger
from ledger.outbox import MessageState

Seen = set[tuple[MessageState | None, MessageState]]
_TABLE = "CREATE TABLE moves_seen (before TEXT, after TEXT, UNIQUE (before, after))"
_SQLITE = (
    """CREATE TRIGGER move_made AFTER INSERT ON outbox BEGIN
    INSERT OR IGNORE INTO moves_seen VALUES ('', NEW.state); END""",
    """CREATE TRIGGER move_seen AFTER UPDATE OF state ON outbox BEGIN
    INSERT OR IGNORE INTO moves_seen VALUES (OLD.state, NEW.state); END""",
)
_POSTGRES = (
    """CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'INSERT' THEN
    INSERT INTO moves_seen VALUES ('', NEW.state) ON CONFLICT DO NOTHING;
    ELSE INSERT INTO moves_seen VALUES (OLD.state, NEW.state) ON CONFLICT DO NOTHING; END IF;
    RETURN NULL; END $$""",
    """CREATE TRIGGER move_seen AFTER INSERT OR UPDATE OF state ON outbox
    FOR EACH ROW EXECUTE FUNCTION note_move()""",
)


def watch_moves(ledger: Ledger) -> None:
    """From here on every move is noted, in the transaction that makes it."""
    is_sqlite = ledger.engine.dialect.name == "sqlite"
    with ledger.write() as connection:
        for statement in (_TABLE, *(_SQLITE if is_sqlite else _POSTGRES)):
            connection.exec_driver_sql(statement)


def moves_seen(ledger: Ledger) -> Seen:
    with ledger.read() as connection:
        rows = connection.exec_driver_sql("SELECT before, after FROM moves_seen").all()
    return {(MessageState(row[0]) if row[0] else None, MessageState(row[1])) for row in rows}
