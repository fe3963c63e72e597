"""Keep content/posts equal to what is granted; what somebody changed by hand is left alone.

Order is what makes a kill harmless: a file is claimed before it is written and the claim goes
only after the file has gone, so whatever a crash leaves behind is known to be ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from ledger import events
from ledger.consent_state import Grant
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.posts import Post, bury_post, put_post
from publisher import claims
from publisher.compose import Composed, compose
from publisher.files import (
    TEMPORARY,
    friendly_file_errors,
    read_if_there,
    remove_file,
    replace_file,
    walk,
)
from publisher.holding import Holding
from publisher.report import Progress, Refusal
from publisher.standing import Outlook, Standing, marks, past_grants

FOLDER = "posts"
#: Posts per transaction: long ones would keep the web server's writers waiting.
BATCH = 100


@dataclass
class Settled:
    """`shown` is what the blog may show; `held` waits until publishing is no longer paused."""

    shown: list[Standing] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    strays: list[Refusal] = field(default_factory=list)
    written: int = 0
    removed: int = 0


def settle(
    ledger: Ledger,
    holding: Holding,
    outlook: Outlook,
    *,
    recompose: bool,
    paused: bool,
    progress: Progress,
) -> Settled:
    """Write, replace and remove Markdown files until they are what `outlook` allows."""
    content = ledger.settings.content
    settled = Settled(refused=dict(outlook.unreadable))
    with friendly_file_errors(content / FOLDER, "The folder of composed posts"):
        (content / FOLDER).mkdir(parents=True, exist_ok=True)
        with ledger.read() as connection:
            claimed = claims.claimed(connection, content=True)
        wanted, to_write = _judge(
            ledger, outlook, settled, claimed, recompose=recompose, paused=paused
        )
        _remove(ledger, holding, outlook, settled, claimed.keys() - wanted)
        with holding.write() as connection:
            ours = {path: hash_ for path, hash_ in claimed.items() if path in wanted}
            new = {post.file: "" for post in to_write if post.file not in ours}
            claims.change_claims(connection, ours, {**ours, **new}, claims.CONTENT)
        for done, post in enumerate(to_write):
            progress("compose", done, len(to_write))
            holding.keep()
            replace_file(content / post.file, post.content)
            settled.written += 1
        with holding.write() as connection:
            known = {**ours, **new}
            now = {post.file: claims.hash_of(ledger.keys, post.content) for post in to_write}
            claims.change_claims(connection, known, {**known, **now}, claims.CONTENT)
    _put_posts(ledger, holding, settled)
    settled.strays = list(_strays(content, wanted))
    return settled


def _judge(
    ledger: Ledger,
    outlook: Outlook,
    settled: Settled,
    claimed: dict[str, str],
    *,
    recompose: bool,
    paused: bool,
) -> tuple[set[str], list[Composed]]:
    """Sort what stands into shown, held and refused; the files to keep, and those to write."""
    wanted = {
        outlook.posts[subject].file for subject in outlook.unreadable if subject in outlook.posts
    }
    to_write = []
    for one in outlook.standing:
        if paused and (one.post is None or one.post.grant_hash != one.grant.event_hash):
            settled.held.add(one.id)
            continue
        wanted.add(one.source.file)
        try:
            composed = compose(one.grant, one.source)
            current = read_if_there(ledger.settings.content / composed.file)
            if current != composed.content:
                if current is not None and not recompose:
                    _refuse_foreign(ledger, one, current, claimed)
                to_write.append(composed)
        except DefinedbyError as error:
            settled.refused[one.id] = Refusal(one.source.file, error.what, error.next_step)
            continue
        settled.shown.append(one)
    return wanted, to_write


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
        return compose(grant, one.source).content == current
    except DefinedbyError:
        return False


def _remove(
    ledger: Ledger, holding: Holding, outlook: Outlook, settled: Settled, paths: Iterable[str]
) -> None:
    content = ledger.settings.content
    for _, file in walk(content / FOLDER):
        if file.name.startswith(TEMPORARY):
            file.unlink(missing_ok=True)  # left by a crash, and it may hold withdrawn words
    removed = sorted(paths)
    for path in removed:
        settled.removed += remove_file(content / path, content / FOLDER)
    still_up = [gone.id for gone in outlook.gone if gone.id in outlook.posts]
    if removed or still_up:
        with holding.write() as connection:
            claims.drop_claims(connection, (claims.CONTENT + path for path in removed))
            for subject in still_up:
                bury_post(connection, ledger.keys, subject, ledger.clock())


def _put_posts(ledger: Ledger, holding: Holding, settled: Settled) -> None:
    """Keep the posts that are new; one whose grant has gone meanwhile is not shown."""
    new = [
        one
        for one in settled.shown
        if one.post is None or one.post.grant_hash != one.grant.event_hash
    ]
    withdrawn = set()
    for start in range(0, len(new), BATCH):
        with holding.write() as connection:
            # Whoever withdraws now waits, or has written already and is seen below.
            events.lock(connection)
            batch = new[start : start + BATCH]
            now = marks(connection, batch)
            for one in batch:
                if now.get(one.id) != one.mark and _changed(ledger, connection, one):
                    withdrawn.add(one.id)
                    continue
                post = Post(
                    "definition",
                    one.id,
                    one.source.address,
                    one.source.file,
                    one.grant.event_hash,
                    one.post.published_at if one.post else ledger.clock(),
                )
                put_post(connection, ledger.keys, post)
    settled.shown = [one for one in settled.shown if one.id not in withdrawn]


def _changed(ledger: Ledger, connection: Connection, one: Standing) -> bool:
    return events.state_of(connection, ledger.keys, one.id).grant != one.grant


def _strays(content: Path, wanted: set[str]) -> Iterable[Refusal]:
    for name, path in walk(content / FOLDER):
        if f"{FOLDER}/{name}" not in wanted and not path.name.startswith("."):
            yield Refusal(
                f"{FOLDER}/{name}",
                "No grant stands behind this file, so it is not shown.",
                "Texts of your own belong in pages/; delete this one if nobody needs it.",
            )
