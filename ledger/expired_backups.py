"""Backups that still know somebody who was erased go when they are as old as was said (P35)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import structlog
from sqlalchemy import func, select

from ledger.archive import MANIFEST
from ledger.backup import FOLDER
from ledger.database import Ledger
from ledger.tables import stopped_addresses

_log = structlog.get_logger("definedby.backups")


def expire_backups(ledger: Ledger) -> list[Path]:
    """Delete backups in the instance's folder that are older than `backup_days` and than an
    erasure; returns which. Others are left: they hold nobody who is gone.
    """
    with ledger.read() as connection:
        newest = connection.execute(select(func.max(stopped_addresses.c.erased_at))).scalar()
    if newest is None:
        return []
    oldest = ledger.clock() - timedelta(days=ledger.settings.backup_days)
    gone = []
    for file, made in made_backups(ledger.settings.home / FOLDER):
        if made < min(newest, oldest):
            with contextlib.suppress(OSError):
                file.unlink()
                gone.append(file)
                _log.info("an expired backup was deleted", file=file.name)
    return gone


def made_backups(folder: Path) -> Iterator[tuple[Path, datetime]]:
    """The zip files in a folder, with the time of the backup each says it is."""
    for file in sorted(folder.glob("*.zip")):
        with contextlib.suppress(OSError):
            yield file, _made_at(file)


def _made_at(file: Path) -> datetime:
    try:
        with ZipFile(file) as archive:
            stated = json.loads(archive.read(MANIFEST))["created_at"]
        return datetime.fromisoformat(stated).astimezone(UTC)
    except (BadZipFile, KeyError, ValueError, TypeError):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
