"""`definedby demo`: make the demonstration where it is missing, and serve it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from ledger.command_line import example
from ledger.settings import PREFIX, Settings, load_settings

HOME = Path("demo")
#: What the demonstration decides for itself, whatever the environment says: its data must not
#: end up in a real instance, and nobody may take its people for real ones.
OWN = (
    *("home", "database_url", "content", "site", "base_url"),
    *("title", "asker", "contact", "demo"),
)


@click.command(
    epilog=example(
        "definedby demo", "DEFINEDBY_PORT=8080 definedby demo", "definedby demo --remove"
    )
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=HOME,
    show_default=True,
    help="The folder it lives in.",
)
@click.option("--no-serve", is_flag=True, help="Only make it.")
@click.option("--remove", is_flag=True, help="Remove it: that folder, if it is a demonstration.")
def demo(home: Path, *, no_serve: bool, remove: bool) -> int:
    """A made-up campaign to look at, in an instance of its own.

    It is made once, which takes some seconds, and served until Ctrl-C.
    """
    from web.demo import place

    if remove:
        gone = place.remove(home)
        click.echo(f"Removed {home}." if gone else f"There is no demonstration in {home}.")
        return 0
    complete = place.is_complete(home)
    point_at(home)
    if no_serve:
        if not complete:
            _make(home)
        serving = "definedby demo" + ("" if home == HOME else f" --home {shlex.quote(str(home))}")
        click.echo(f"The demonstration is in {home}. Look at it with: {serving}")
        return 0
    from web.server import claim_port

    claim_port(load_settings())
    if not complete:
        _make(home)
    from web.start import prepare
    from web.supervise import supervise

    settings = load_settings()
    return supervise(settings, lambda: prepare(settings))


def point_at(home: Path) -> None:
    """Make this process and the ones it starts work in `home`.

    The web server and the worker are processes of their own and take their settings from the
    environment they are started with. So the instance is named there, once and here alone; all
    that belongs to it stands in its settings file.
    """
    for name in OWN:
        os.environ.pop(f"{PREFIX}{name.upper()}", None)
    os.environ[f"{PREFIX}HOME"] = str(home.resolve())


def _make(home: Path) -> None:
    from web.demo import place

    place.begin(home)
    _live_through(load_settings())
    place.finish(home)


def _live_through(settings: Settings) -> None:
    from ledger.clock import system_clock
    from ledger.database import open_ledger
    from web.demo.sample import people
    from web.demo.story import Story, WalkingClock

    clock = WalkingClock(system_clock())
    ledger = open_ledger(settings, clock, create=True)
    try:
        steps = Story(ledger, people(), clock.now).steps()
        with click.progressbar(steps, label="Making up three weeks") as shown:
            for step in shown:
                clock.now = step.at
                step.do()
    finally:
        ledger.close()
