"""Verify what an auditor took along: offline, and without the instance it comes from."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from consent.audit import CHAIN, FORMAT, HEAD, LINK, MANIFEST, OPENINGS, PAGE, RECORDS
from consent.receipt_check import NotGenuineError, verify_content
from ledger import chain
from ledger.heads import signed_head
from ledger.keys import verify_signature

#: A chain of two million events; more than that in one file is a trap.
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Audited:
    """What was proven. `known_key`: signed by one of the keys that were given."""

    records: int
    events: int
    head: chain.Head
    known_key: bool


def verify_audit(file: Path, public_keys: Sequence[str] = ()) -> Audited:
    """Check every file, link, opening, record and the head. Raises NotGenuineError, saying why."""
    try:
        with ZipFile(file) as archive:
            return _Audit(file, archive, public_keys).verify()
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _wrong(file, "it is no zip file, or a damaged one") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _wrong(file, "one of its files is not what it should be") from error


def _wrong(file: Path, reason: str) -> NotGenuineError:
    return NotGenuineError(
        f"{file} can't be relied upon: {reason}.", "Get it again from where it was made."
    )


@dataclass
class _Audit:
    file: Path
    archive: ZipFile
    given: Sequence[str]
    manifest: dict[str, Any] = field(default_factory=dict)
    openings: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Hashes of the opened events by number, as the walk has seen them.
    seen: dict[int, tuple[str, str, str]] = field(default_factory=dict)

    def verify(self) -> Audited:
        self.manifest = self._manifest()
        self._files()
        for line in self._lines(OPENINGS):
            self.openings[line["seq"]] = line
        keys = self._keys()
        head = signed_head(json.loads(self._read(HEAD)), keys)
        if head is None:
            raise self._wrong("its head is not signed by that instance")
        self._chain(head)
        for one in self.manifest["records"]:
            self._record(one, keys)
        return Audited(
            len(self.manifest["records"]), len(self.openings), head, known_key=bool(self.given)
        )

    def _manifest(self) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self._read(MANIFEST))
        signature = stored.pop("signature")
        if self.given and stored["public_key"] not in self.given:
            raise self._wrong("it was signed with a key that is not among those given")
        if not verify_signature(stored["public_key"], chain.canonical(stored), signature):
            raise self._wrong("its list of files was changed, or never signed")
        if stored["format"] != FORMAT:
            raise self._wrong("it was made by a newer version of this program")
        return stored

    def _files(self) -> None:
        names = self.archive.namelist()
        sums: dict[str, str] = self.manifest["files"]
        wanted = {CHAIN, OPENINGS, HEAD, PAGE}
        wanted |= {f"{RECORDS}/{one}.json" for one in self.manifest["records"]}
        if sorted(names) != sorted({*sums, MANIFEST}) or sums.keys() != wanted:
            raise self._wrong("files were added or taken away")
        for name, stated in sums.items():
            if hashlib.sha256(self._read(name)).hexdigest() != stated:
                raise self._wrong(f"{name} was changed")

    def _keys(self) -> Sequence[str]:
        """Former keys count where the list that names them was signed by a key that we know."""
        return [*self.given, *self.manifest["public_keys"]]

    def _chain(self, head: chain.Head) -> None:
        start, previous = self.manifest["first_event"], chain.GENESIS
        if start != 1:
            previous = next((link.prev_hash for link in self._links()), "")
        found = chain.verify(self._links(), [head], chain.Head(start - 1, previous))
        if isinstance(found, chain.Break):
            raise self._wrong(f"its chain is broken at event {found.seq}: {found.reason}")
        if found != head:
            raise self._wrong("its chain does not end with its head")
        if self.openings.keys() != self.seen.keys():
            raise self._wrong("it opens events that are not in its chain")

    def _links(self) -> Iterator[chain.Link]:
        for line in self._lines(CHAIN):
            parts = dict(zip(LINK, line, strict=True))
            opening = self.openings.get(parts["seq"])
            if opening is None or opening["erased"]:
                found = chain.Link(**parts, seal="erased")
            else:
                stated = chain.canonical(opening["payload"])
                key = bytes.fromhex(opening["key"])
                found = chain.Link(**parts, seal="open", event_key=key, stated=stated)
            if opening is not None:
                self.seen[found.seq] = (found.hash, found.kind, found.subject)
            yield found

    def _record(self, record_id: str, keys: Sequence[str]) -> None:
        """A record tells the opened events of its definition, all of them and nothing else."""
        name = f"{RECORDS}/{record_id}.json"
        record = verify_content(Path(name), self._read(name), keys).record
        told = {
            event["number"]: (event["hash"], event["kind"], record_id) for event in record["events"]
        }
        theirs = {seq: seen for seq, seen in self.seen.items() if seen[2] == record_id}
        if record["record_id"] != record_id or told != theirs:
            raise self._wrong(f"{name} tells other events than the chain holds")
        for event in record["events"]:
            payload = self.openings[event["number"]].get("payload", {})
            if any(event.get(part) != value for part, value in payload.items()):
                raise self._wrong(f"{name} tells event {event['number']} otherwise than the chain")

    def _lines(self, name: str) -> Iterator[Any]:
        return map(json.loads, self._read(name).splitlines())

    def _read(self, name: str) -> bytes:
        with self.archive.open(name) as part:
            content = part.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise self._wrong(f"{name} is larger than any that this program writes")
        return content

    def _wrong(self, reason: str) -> NotGenuineError:
        return _wrong(self.file, reason)
