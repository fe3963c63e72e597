"""The keys: what is sealed opens only unchanged, and the key file is never lost or overwritten."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from ledger.errors import DefinedbyError
from ledger.keys import (
    Keys,
    new_keys,
    read_keys,
    seal,
    unseal,
    verify_signature,
    write_keys,
)

KEY = bytes(range(32))


def test_what_was_sealed_opens() -> None:
    assert unseal(KEY, seal(KEY, b"words", b"event"), b"event") == b"words"


def test_sealing_twice_gives_two_secrets() -> None:
    assert seal(KEY, b"words", b"") != seal(KEY, b"words", b"")


def test_any_changed_byte_is_noticed() -> None:
    sealed = seal(KEY, b"words", b"event")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(ValueError, match="changed"):
            unseal(KEY, bytes(changed), b"event")


@pytest.mark.parametrize("length", range(0, 33, 4))
def test_a_cut_secret_is_noticed(length: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library words the shortest ones itself
        unseal(KEY, seal(KEY, b"words", b"")[:length], b"")


def test_a_secret_is_bound_to_its_key_and_its_event() -> None:
    sealed = seal(KEY, b"words", b"event 1")
    with pytest.raises(ValueError, match="changed"):
        unseal(KEY, sealed, b"event 2")
    with pytest.raises(ValueError, match="changed"):
        unseal(KEY[::-1], sealed, b"event 1")


def test_passwords_open_with_the_same_keys_only() -> None:
    mine, other = new_keys(), new_keys()
    token = mine.encrypt("pass wörd")
    assert "wörd" not in token
    assert mine.decrypt(token) == "pass wörd"
    with pytest.raises(DefinedbyError, match="does not fit"):
        other.decrypt(token)


def test_p40_an_older_key_still_opens_after_rotation() -> None:
    old = new_keys()
    token = old.encrypt("secret")
    rotated = Keys(**{**vars(old), "fernet": (*new_keys().fernet, *old.fernet)})
    assert rotated.decrypt(token) == "secret"
    with pytest.raises(DefinedbyError):
        old.decrypt(rotated.encrypt("secret"))


def test_signatures() -> None:
    mine, other = new_keys(), new_keys()
    signature = mine.sign(b"head")
    assert verify_signature(mine.public_key, b"head", signature)
    assert not verify_signature(mine.public_key, b"heat", signature)
    assert not verify_signature(other.public_key, b"head", signature)
    assert not verify_signature(mine.public_key, b"head", "no base64 !")
    assert not verify_signature(mine.public_key, b"head", "")


def test_token_hashes_depend_on_the_keys_and_hide_the_token() -> None:
    mine, other = new_keys(), new_keys()
    assert mine.token_hash("t") == mine.token_hash("t")
    assert mine.token_hash("t") != other.token_hash("t")
    assert mine.token_hash("t") != mine.token_hash("u")


def test_keys_are_never_printed() -> None:
    keys = new_keys()
    for part in (*keys.fernet, keys.signing, keys.web, keys.tokens):
        assert part not in repr(keys)


def test_the_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    keys = new_keys()
    path = write_keys(tmp_path, keys)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_keys(tmp_path, new_keys())
    assert path.read_bytes() == before
    assert vars(read_keys(tmp_path)) == vars(keys)
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"fernet": 3}', '"keys"', "\x00"])
def test_a_broken_key_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(DefinedbyError, match=r"can't be read") as caught:
        read_keys(tmp_path)
    assert "backup" in caught.value.next_step


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinedbyError, match="is missing"):
        read_keys(tmp_path)


def test_p19_a_full_disk_leaves_no_half_key_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_keys(tmp_path, new_keys())
    assert list(tmp_path.iterdir()) == []
    write_keys(tmp_path, new_keys())
