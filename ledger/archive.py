"""The backup file: a zip whose every byte is accounted for.

Its comment is the SHA-256 of all bytes before it; its manifest lists each file with length and
checksum and is signed with the instance's key. Reading trusts nothing that is not proven.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from struct import error as StructError  # noqa: N812 - it is an exception and reads as one
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from ledger import chain, keys
from ledger.errors import DefinedbyError, TemporaryError

FORMAT = 1
DATABASE = "ledger.sqlite"
MANIFEST = "manifest.json"
CONTENT = "content"
HEADS = "heads"
#: Messages in the operator's own words (consent/own_messages.py), in the instance folder.
MESSAGES = "messages"
#: Where a restore moves files of the same name that differ, in the instance folder.
ASIDE = "before-restore"
#: Stands before the checksum in the zip's comment.
MARK = b"definedby sha256 "
SEAL_BYTES = len(MARK) + 64
CHUNK = 1 << 20
MOST_MANIFEST_BYTES = 64 << 20


@dataclass
class Manifest:
    """What a backup says of itself. `files` maps a name to its SHA-256 and its bytes."""

    schema: str
    created_at: str
    counts: dict[str, int]
    head: dict[str, Any]
    public_key: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT
    signature: str = ""

    def signed_part(self) -> bytes:
        return chain.canonical({**asdict(self), "signature": ""})


class DamagedBackupError(DefinedbyError):
    """This file is not a backup that can be relied upon."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(
            f"{file} can't be restored: {reason}.",
            "Nothing was changed. Use another backup or another copy of this one.",
        )


def write_archive(
    path: Path, files: Iterable[tuple[str, Path]], manifest: Manifest, instance_keys: keys.Keys
) -> None:
    """Fill `path` with `files` (name in the backup, file) and the signed manifest, and seal it.

    A file that has gone in the meantime is left out.
    """
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, file in files:
            try:
                manifest.files[name] = _add(archive, name, file)
            except FileNotFoundError:
                continue
        manifest.signature = instance_keys.sign(manifest.signed_part())
        archive.writestr(ZipInfo(MANIFEST), json.dumps(asdict(manifest), indent=1))
        archive.comment = MARK + b"0" * 64
    seal(path)


def _add(archive: ZipFile, name: str, file: Path) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as source:
        entry = ZipInfo(name)
        entry.compress_type = ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        with archive.open(entry, "w", force_zip64=True) as target:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
    return {"sha256": digest.hexdigest(), "bytes": size}


def seal(path: Path) -> None:
    """Write the checksum of all that stands before it into the zip's comment."""
    digest = _checksum(path).encode()
    with path.open("r+b") as file:
        file.seek(-64, os.SEEK_END)
        file.write(digest)


def _checksum(path: Path) -> str:
    digest, left = hashlib.sha256(), path.stat().st_size - SEAL_BYTES
    with path.open("rb") as file:
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def unpack(file: Path, folder: Path) -> Manifest:
    """Unpack the backup into `folder`, each file proven; return its manifest.

    Raises DamagedBackupError for anything that is not as it was written, DefinedbyError when
    there is no such file or it is of a newer version, TemporaryError when the disk is too full.
    """
    _check_seal(file)
    try:
        with ZipFile(file) as archive:
            manifest = _read_manifest(archive)
            _check_names(archive, manifest)
            _check_room(manifest, folder)
            for name, stated in manifest.files.items():
                _unpack_one(archive, name, stated, folder)
        stored_keys = keys.read_keys(folder)
        if stored_keys.public_key != manifest.public_key or not keys.verify_signature(
            manifest.public_key, manifest.signed_part(), manifest.signature
        ):
            raise ValueError("its keys are not those of the instance that signed it")
    except (
        *(ValueError, TypeError, KeyError, RuntimeError, EOFError),
        *(BadZipFile, zlib.error, StructError),
    ) as error:
        raise DamagedBackupError(file, str(error) or type(error).__name__) from error
    return manifest


def _check_seal(file: Path) -> None:
    if not file.is_file():
        raise DefinedbyError(f"There is no backup {file}.", "Give the path of a backup file.")
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(0, size - SEAL_BYTES))
        comment = opened.read()
    if not comment.startswith(MARK):
        raise DamagedBackupError(file, "it is not a whole definedby backup")
    if comment != MARK + _checksum(file).encode():
        raise DamagedBackupError(file, "it has been changed or damaged since it was made")


def _read_manifest(archive: ZipFile) -> Manifest:
    with archive.open(MANIFEST) as opened:
        content = opened.read(MOST_MANIFEST_BYTES + 1)
    if len(content) > MOST_MANIFEST_BYTES:
        raise ValueError("its manifest is too long")
    stored = json.loads(content)
    if stored["format"] > FORMAT:
        raise DefinedbyError(
            "This backup was made by a newer version.", "Update definedby, then try again."
        )
    return Manifest(**stored)


def _check_names(archive: ZipFile, manifest: Manifest) -> None:
    names = archive.namelist()
    if sorted(names) != sorted([*manifest.files, MANIFEST]):
        raise ValueError("its files are not those that its manifest lists")
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        plain = name == "/".join(parts) and ".." not in parts and "\\" not in name
        if name not in (DATABASE, keys.FILE_NAME) and (
            not plain or len(parts) < 2 or parts[0] not in (CONTENT, HEADS, MESSAGES)
        ):
            raise ValueError(f"it holds a file with the name {name!r}")
    for needed in (DATABASE, keys.FILE_NAME):
        if needed not in manifest.files:
            raise ValueError(f"{needed} is missing from it")


def _check_room(manifest: Manifest, folder: Path) -> None:
    needed = sum(int(stated["bytes"]) for stated in manifest.files.values())
    if needed > shutil.disk_usage(folder).free:
        raise TemporaryError(
            f"Unpacking needs {needed >> 20} MB, more than is free in {folder}.",
            "Free some space, then try again; nothing was changed.",
        )


def _unpack_one(archive: ZipFile, name: str, stated: dict[str, Any], folder: Path) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), int(stated["bytes"])
    with archive.open(name) as source, target.open("xb") as opened:
        while chunk := source.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ValueError(f"{name} in it is longer than stated")
            digest.update(chunk)
            opened.write(chunk)
    target.chmod(0o600)
    if left or digest.hexdigest() != stated["sha256"]:
        raise ValueError(f"{name} in it is not what it was")
