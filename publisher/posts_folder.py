"""Keep content/posts equal to what is granted; what somebody changed by hand is left alone.

Order is what makes a kill harmless: a file is claimed before it is written and the claim goes
only after the file has gone, so whatever a crash leaves behind is known to be ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, select

from ledger.consent_state import Grant
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.pictures import need_picture
from ledger.prepared import Prepared, inserting
from ledger.tables import outputs, posts, site_dirty
from publisher import claims
from publisher.compose import Composed, compose
from publisher.files import friendly_file_errors, read_if_there, remove_file, walk
from publisher.holding import Holding
from publisher.report import Progress, Refusal
from publisher.site.behind import COMPOSED
from publisher.standing import Outlook, Standing, past_grants

FOLDER = "posts"
#: Files on their way into the folder; gone again when a publication ends.
STAGING = ".definedby-staging"
NAME = "The folder of composed posts"
#: From so many files on, one sync of everything is cheaper than one for each.
SYNC_EACH = 64
_D = site_dirty.c
_INTEND = inserting(site_dirty)
_DROP_INTENT = Prepared(delete(site_dirty).where(_D.path == bindparam("at")))
_DONE = Prepared(delete(site_dirty).where(_D.kind == COMPOSED, _D.owner == bindparam("of")))
_UNFINISHED = Prepared(select(_D.owner, _D.path).where(_D.kind == COMPOSED))
_CLAIMED = Prepared(
    select(outputs.c.path, outputs.c.hash).where(
        outputs.c.path.in_(bindparam("paths", expanding=True))
    )
)


@dataclass
class Settled:
    """`shown` is what the blog may show; `held` waits until publishing is no longer paused.

    `to_note` are those of `to_write` that a killed run would leave behind unknown: for the others
    the job or event that asks for them is still open then, and a post names the file.
    """

    shown: list[Standing] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    to_write: dict[str, Composed] = field(default_factory=dict)
    to_note: dict[str, Composed] = field(default_factory=dict)
    to_remove: list[str] = field(default_factory=list)
    claimed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class How:
    """`files`: compare every file, not only those of new grants. `recompose`: put them back."""

    paused: bool = False
    files: bool = False
    recompose: bool = False


def judge(
    connection: Connection, ledger: Ledger, outlook: Outlook, standing_files: set[str], how: How
) -> Settled:
    """What is to be written and removed so that the folder is what `outlook` allows.

    `standing_files` are those that these definitions may have left behind.
    """
    settled = Settled(refused=dict(outlook.unreadable))
    files = standing_files | {one.source.file for one in outlook.standing}
    files |= {post.file for post in outlook.posts.values()}
    settled.claimed = _claimed(connection, files)
    wanted = {outlook.posts[one].file for one in outlook.unreadable if one in outlook.posts}
    for one in outlook.standing:
        if how.paused and one.is_new:
            settled.held.add(one.id)
            continue
        wanted.add(one.source.file)
        try:
            if one.is_new or how.files or not settled.claimed.get(one.source.file):
                _compare(ledger, one, settled, how)
            need_picture(connection, ledger.keys, one.contributor_id, one.grant.credit)
        except DefinedbyError as error:
            settled.refused[one.id] = Refusal(one.source.file, error.what, error.next_step)
            continue
        settled.shown.append(one)
    settled.to_remove = sorted(settled.claimed.keys() - wanted)
    return settled


def _compare(ledger: Ledger, one: Standing, settled: Settled, how: How) -> None:
    composed = compose(one.grant, one.source, one.grants[1:])
    current = read_if_there(ledger.settings.content / composed.file)
    if current == composed.content:
        if settled.claimed.get(composed.file):
            return
    elif current is not None and not how.recompose:
        _refuse_foreign(ledger, one, current, settled.claimed)
    settled.to_write[one.id] = composed
    stands = one.post is not None and one.post.file == composed.file
    if how.files or not (stands and one.is_new and settled.claimed.get(composed.file)):
        settled.to_note[one.id] = composed


def carry_out(ledger: Ledger, holding: Holding, settled: Settled, progress: Progress) -> int:
    """Write and remove what `judge` has said; how many files went."""
    content = ledger.settings.content
    with friendly_file_errors(content / FOLDER, NAME):
        removed = sum(remove_file(content / path, content / FOLDER) for path in settled.to_remove)
        if settled.to_note:
            with holding.write() as connection:
                _intend(connection, settled.to_note)
                files = {post.file for post in settled.to_note.values()} - settled.claimed.keys()
                new = dict.fromkeys(files, "")
                claims.change_claims(connection, {}, new, claims.CONTENT)
        if settled.to_write:
            _write(content, list(settled.to_write.values()), progress)
        return removed


def _intend(connection: Connection, composed: dict[str, Composed]) -> None:
    """Say whose files are about to be written: should we be killed, the next run looks there."""
    rows = [
        {"path": _claim(post.file), "kind": COMPOSED, "owner": owner, "part": "", "reason": ""}
        for owner, post in composed.items()
    ]
    _DROP_INTENT.run(connection, [{"at": row["path"]} for row in rows])
    _INTEND.run(connection, rows)


def unfinished(connection: Connection) -> dict[str, set[str]]:
    """The definitions whose files were being written when a run was killed, with those files."""
    found: dict[str, set[str]] = {}
    for owner, path in _UNFINISHED.tuples(connection):
        found.setdefault(owner, set()).add(path.removeprefix(claims.CONTENT))
    return found


def remember(connection: Connection, ledger: Ledger, settled: Settled, ids: list[str]) -> None:
    """Note what the files hold and which are gone, in the transaction after `carry_out`."""
    if settled.to_remove:
        claims.drop_claims(connection, map(_claim, settled.to_remove))
    if settled.to_write:
        composed = settled.to_write.values()
        before = {post.file: "" for post in composed}
        after = {post.file: claims.hash_of(ledger.keys, post.content) for post in composed}
        claims.change_claims(connection, before, after, claims.CONTENT)
    _DONE.run(connection, [{"of": one} for one in ids])


def _claim(file: str) -> str:
    return claims.CONTENT + file


def _write(content: Path, composed: list[Composed], progress: Progress) -> None:
    staging = content / FOLDER / STAGING
    staging.mkdir(parents=True, exist_ok=True)
    moves = []
    for number, post in enumerate(composed):
        progress("compose", number, len(composed))
        aside = staging / str(number)
        aside.write_bytes(post.content)
        moves.append((aside, content / post.file))
    if len(moves) > SYNC_EACH:
        os.sync()
    else:
        for aside, _ in moves:
            _sync(aside)
    for aside, place in moves:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(place)
    # Here already, so that a kill at any later moment leaves nothing aside.
    staging.rmdir()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_staging(ledger: Ledger) -> None:
    """Remove what a crash has left: it may hold words that were withdrawn since."""
    staging = ledger.settings.content / FOLDER / STAGING
    if os.path.lexists(staging):
        shutil.rmtree(staging, ignore_errors=True)


def make_folder(ledger: Ledger) -> None:
    folder = ledger.settings.content / FOLDER
    with friendly_file_errors(folder, NAME):
        folder.mkdir(parents=True, exist_ok=True)


def sweep(ledger: Ledger, holding: Holding, *, strays: bool) -> Iterator[Refusal | str]:
    """Claims without a post go, with their files; with `strays` the whole folder is looked at.

    Yields the files that were removed, and a Refusal for each that is not ours.
    """
    content = ledger.settings.content
    with ledger.read() as connection:
        claimed = claims.claimed(connection, content=True)
        rows = connection.execute(select(posts.c.file).where(posts.c.gone_at.is_(None)))
        wanted = set(rows.scalars())
    stale = sorted(claimed.keys() - wanted)
    with friendly_file_errors(content / FOLDER, NAME):
        for path in stale:
            if remove_file(content / path, content / FOLDER):
                yield path
    if stale:
        with holding.write() as connection:
            claims.drop_claims(connection, (claims.CONTENT + path for path in stale))
    if strays:
        yield from _strays(content, wanted)


def _strays(content: Path, wanted: set[str]) -> Iterable[Refusal]:
    for name, path in walk(content / FOLDER):
        if f"{FOLDER}/{name}" not in wanted and not path.name.startswith("."):
            yield Refusal(
                f"{FOLDER}/{name}",
                "No grant stands behind this file, so it is not shown.",
                "Texts of your own belong in pages/; delete this one if nobody needs it.",
            )


def _claimed(connection: Connection, files: set[str]) -> dict[str, str]:
    paths = [claims.CONTENT + file for file in files if file]
    rows = _CLAIMED.tuples(connection, {"paths": paths}) if paths else ()
    return {path.removeprefix(claims.CONTENT): value for path, value in rows}


def _refuse_foreign(ledger: Ledger, one: Standing, current: bytes, claimed: dict[str, str]) -> None:
    """Raise DefinedbyError unless this file is, byte for byte, one that we wrote."""
    if claims.hash_of(ledger.keys, current) == claimed.get(one.source.file):
        return
    if any(_composed_from(grant, one, current) for grant in past_grants(ledger, one.id)):
        return
    raise DefinedbyError(
        "It was changed by hand and is no longer what its author agreed to.",
        "Put it back with 'definedby publish --recompose', or ask the author to agree to the "
        "new words on the desk.",
    )


def _composed_from(grant: Grant, one: Standing, current: bytes) -> bool:
    try:
        return compose(grant, one.source, one.grants[1:]).content == current
    except DefinedbyError:
        return False
