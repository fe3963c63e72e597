"""The group `ledger` with what needs records of consent: audits are made of those."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path

import click

from ledger.cli import ledger_group
from ledger.command_line import example, json_option, show, with_ledger, with_settings
from ledger.database import Ledger
from ledger.errors import DefinedbyError, SettingError
from ledger.settings import Settings

__all__ = ["ledger_group"]

NewFile = click.Path(path_type=Path, dir_okay=False)
OldFile = click.Path(path_type=Path, dir_okay=False, exists=True)


@ledger_group.command(
    "audit",
    epilog=example(
        "definedby ledger audit --post /courage/carrying-the-lamp-0f3a91c2/ --to post.zip",
        "definedby ledger audit --all --to everything.zip",
    ),
)
@click.option("--post", default="", help="Address of a post or edition, or a definition's id.")
@click.option("--all", "everything", is_flag=True, help="Every definition with a record.")
@click.option("--to", "file", type=NewFile, required=True, help="The new zip file.")
@json_option
@with_ledger
def audit(ledger: Ledger, *, post: str, everything: bool, file: Path, as_json: bool) -> None:
    """Records, events and their proof in one file for an auditor, to read and to verify.

    It holds words and credits as they were granted, also of what was withdrawn since: hand it to
    nobody else.
    """
    from consent.audit import export_audit

    if bool(post) == everything:
        raise SettingError("Say what the audit is about.", "Give either --post ADDRESS or --all.")
    report = export_audit(ledger, file, post)
    if as_json:
        show(asdict(report), as_json=True)
        return
    click.echo(f"{report.file}: {report.records} records with {report.events} events, proven up to")
    click.echo(f"event {report.head}. It can be verified anywhere, offline:")
    click.echo(f"  definedby ledger verify-audit {report.file}")


@ledger_group.command(
    "verify-audit", epilog=example("definedby ledger verify-audit post.zip --key key.json")
)
@click.argument("file", type=OldFile)
@click.option("--key", type=OldFile, help="The blog's public keys, saved from its key page.")
@json_option
@with_settings
def verify_audit_command(
    settings: Settings, file: Path, *, key: Path | None, as_json: bool
) -> None:
    """Whether an auditor's file is what was exported; works offline, and without an instance."""
    from consent.audit_check import verify_audit
    from ledger.keys import read_keys
    from ledger.public_keys import read_key_set

    trusted: tuple[str, ...] = ()
    if key is not None:
        trusted = read_key_set(key)
    else:
        with contextlib.suppress(DefinedbyError):
            trusted = read_keys(settings.home).public_keys
    found = verify_audit(file, trusted)
    if as_json:
        show(asdict(found), as_json=True)
        return
    click.echo(f"{found.records} records with {found.events} events are what was recorded, and the")
    click.echo(f"chain holds up to event {found.head.seq}.")
    if not found.known_key:
        click.echo("Whose key signed it, nothing here can tell: give the blog's with --key.")
