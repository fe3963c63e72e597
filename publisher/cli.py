"""The commands `publish` and `edition`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.command_line import example, json_option, show, with_ledger
from ledger.errors import DefinedbyError, Exit

if TYPE_CHECKING:
    from ledger.database import Ledger
    from ledger.editions import Edition
    from publisher.report import BuildReport, Progress


@click.command(
    "publish",
    epilog=example(
        "definedby publish", "definedby publish --dry-run", "definedby publish --full --json"
    ),
)
@click.option(
    "--recompose", is_flag=True, help="Put back composed files that were changed by hand."
)
@click.option("--full", is_flag=True, help="Look at every record and file, whatever was known.")
@click.option("--dry-run", is_flag=True, help="Only say which files would change, and why.")
@click.option(
    "--rollback", is_flag=True, help="Show the tree before the last whole build; nothing withdrawn."
)
@json_option
@with_ledger
def publish(
    ledger: Ledger, *, recompose: bool, full: bool, dry_run: bool, rollback: bool, as_json: bool
) -> None:
    """Bring the blog to what is granted now, and take away the rest."""
    if dry_run:
        _tell_plan(ledger, recompose=recompose, full=full, as_json=as_json)
        return
    if rollback:
        _roll_back(ledger, as_json=as_json)
        return
    from publisher.publish import GIVEN_WAY
    from publisher.publish import publish as bring_up_to_date

    with _progress_bar() as progress:
        report = bring_up_to_date(ledger, recompose=recompose, full=full, progress=progress)
    _tell(report, str(ledger.settings.site_folder), as_json=as_json)
    code = Exit.TEMPORARY if report.note == GIVEN_WAY else report.exit_code
    click.get_current_context().exit(code)


def _tell(report: BuildReport, folder: str, *, as_json: bool) -> None:
    facts = {
        "posts": report.posts,
        "written": report.written,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "folder": folder,
        "note": report.note,
    }
    if as_json:
        show({**facts, "refused": [vars(one) for one in report.refused]}, as_json=True)
        return
    show({name: value for name, value in facts.items() if name != "note" or value})
    for refusal in report.refused:
        click.echo(f"Left out: {refusal.sentence}", err=True)


def _tell_plan(ledger: Ledger, *, recompose: bool, full: bool, as_json: bool) -> None:
    from publisher.plan import WRITE, plan

    found = plan(ledger, full=full, recompose=recompose)
    if as_json:
        refused = [vars(one) for one in found.refused]
        show({"files": [vars(one) for one in found.files], "refused": refused}, as_json=True)
        return
    for one in found.files:
        click.echo(f"{'+' if one.action == WRITE else '-'} {one.path}  ({one.reason})")
    for refusal in found.refused:
        click.echo(f"Would be left out: {refusal.sentence}", err=True)
    written = sum(one.action == WRITE for one in found.files)
    click.echo(f"{written} to write, {len(found.files) - written} to remove; nothing was changed.")


def _roll_back(ledger: Ledger, *, as_json: bool) -> None:
    from publisher.rollback import roll_back

    with _progress_bar() as progress:
        changed = roll_back(ledger, progress)
    show({"changed": changed, "folder": str(ledger.settings.site_folder)}, as_json=as_json)


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A bar on a terminal; nothing where nobody looks."""
    from publisher.report import no_progress

    if not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("publish", total=None)

        def progress(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        yield progress


@click.group("edition")
def edition() -> None:
    """Round-ups of definitions with a hand-written introduction."""


@edition.command(
    "new",
    epilog=example(
        "definedby edition new thought-leadership '33 answers' --introduction intro.md --all"
    ),
)
@click.argument("campaign")
@click.argument("title", default="")
@click.option("--theme", default="", help="What its definitions have in common.")
@click.option(
    "--introduction",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Markdown file with your own words.",
)
@click.option("--all", "take_all", is_flag=True, help="Put in every definition granted for this.")
@json_option
@with_ledger
def new_command(
    ledger: Ledger,
    *,
    campaign: str,
    title: str,
    theme: str,
    introduction: Path | None,
    take_all: bool,
    as_json: bool,
) -> None:
    """Make an edition of a campaign; it is not public until 'edition publish'.

    Without a title it is called by a rule, such as "33 people define thought leadership".
    """
    from ledger.campaigns import need_campaign
    from ledger.editions import add_edition

    text = _read(introduction) if introduction else ""
    with ledger.read() as connection:
        chosen = need_campaign(connection, campaign)
    definition_ids = _granted_for_editions(ledger, chosen.id) if take_all else ()
    with ledger.write() as connection:
        made = add_edition(
            connection,
            ledger.clock(),
            campaign_id=chosen.id,
            title=title,
            theme=theme,
            introduction=text,
            definition_ids=definition_ids,
        )
    show(_row(made), as_json=as_json)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinedbyError(f"{path} is not in UTF-8.", "Save it in that encoding.") from error


def _granted_for_editions(ledger: Ledger, campaign_id: str) -> tuple[str, ...]:
    """Oldest grant first."""
    from ledger.model import Use
    from publisher.standing import granted_for

    return tuple(granted_for(ledger, campaign_id, Use.EDITION))


def _row(made: Edition) -> dict[str, object]:
    return {
        "id": made.id,
        "title": made.title or f"(by rule: {made.slug})",
        "definitions": len(made.definition_ids),
        "public_since": made.published_at,
    }


@edition.command("schedule", epilog=example("definedby edition schedule thought-leadership month"))
@click.argument("campaign")
@click.argument("every", type=click.Choice(["week", "month", "quarter", "never"]))
@with_ledger
def schedule_command(ledger: Ledger, *, campaign: str, every: str) -> None:
    """Have the worker draft an edition of what each period has brought; you publish it."""
    from ledger.campaigns import need_campaign, set_edition_every
    from ledger.periods import Every

    chosen = Every.NEVER if every == "never" else Every(every)
    with ledger.write() as connection:
        set_edition_every(connection, need_campaign(connection, campaign).id, chosen)
    click.echo(f"Drafted each {every}." if chosen else "Drafted only by you.")


@edition.command("list", epilog=example("definedby edition list --json"))
@click.option("--campaign", default="", help="Only this campaign.")
@json_option
@with_ledger
def list_command(ledger: Ledger, *, campaign: str, as_json: bool) -> None:
    """Show the editions, newest first."""
    from ledger.campaigns import all_campaigns, need_campaign
    from ledger.editions import editions_in

    with ledger.read() as connection:
        asked = [need_campaign(connection, campaign)] if campaign else all_campaigns(connection)
        rows = [_row(made) for one in asked for made in editions_in(connection, one.id)]
    show(rows, as_json=as_json, empty="No editions yet. Make one: definedby edition new --help")


@edition.command("publish", epilog=example("definedby edition publish 1f0c…"))
@click.argument("edition_id")
@with_ledger
def publish_edition_command(ledger: Ledger, *, edition_id: str) -> None:
    """Make an edition public."""
    from publisher.editions import publish_edition

    address = publish_edition(ledger, _whole_id(ledger, edition_id))
    _build(ledger)
    click.echo(ledger.settings.public_url + address)


@edition.command("retract", epilog=example("definedby edition retract 1f0c…"))
@click.argument("edition_id")
@with_ledger
def retract_edition_command(ledger: Ledger, *, edition_id: str) -> None:
    """Take an edition off the blog; its definitions stay."""
    from publisher.editions import retract_edition

    if not retract_edition(ledger, _whole_id(ledger, edition_id)):
        raise DefinedbyError("This edition is not public.", "There is nothing to take away.")
    _build(ledger)
    click.echo("Taken away.")


def _build(ledger: Ledger) -> None:
    from publisher.publish import publish as bring_up_to_date

    with _progress_bar() as progress:
        report = bring_up_to_date(ledger, full=False, progress=progress)
    if report.note:
        click.echo(report.note, err=True)


def _whole_id(ledger: Ledger, start: str) -> str:
    """The id that begins with `start`. Raises DefinedbyError unless there is exactly one."""
    from ledger.campaigns import all_campaigns
    from ledger.editions import editions_in

    with ledger.read() as connection:
        ids = [
            made.id
            for campaign in all_campaigns(connection)
            for made in editions_in(connection, campaign.id)
            if made.id.startswith(start)
        ]
    if len(ids) != 1:
        raise DefinedbyError(
            f"There {'is no edition' if not ids else 'is more than one edition'} '{start}'.",
            "See their ids with 'definedby edition list'.",
        )
    return ids[0]
