"""Commands that run the instance: serve, worker."""

from __future__ import annotations

import click

from ledger.command_line import example, with_ledger, with_settings
from ledger.database import Ledger
from ledger.settings import Settings


@click.command(epilog=example("definedby serve", "DEFINEDBY_PORT=8080 definedby serve"))
@click.option("--no-worker", is_flag=True, help="Only the web server; run the worker apart.")
@with_settings
def serve(settings: Settings, *, no_worker: bool) -> int:
    """Run the blog, the desk and the worker. Makes the instance where it is missing."""
    from web.server import claim_port

    claim_port(settings)
    if no_worker:
        from ledger import log
        from ledger.database import open_ledger
        from web import server
        from web.application import create_application

        log.configure(settings)
        server.serve(create_application(open_ledger(settings, create=True)), settings)
        return 0
    from ledger.keys import FILE_NAME as KEY_FILE
    from web.start import prepare
    from web.supervise import supervise

    if not (settings.home / KEY_FILE).exists():
        # The first time, everything is made before anybody looks at it.
        line = prepare(settings)
        return supervise(settings, lambda: line)
    return supervise(settings, lambda: prepare(settings))


@click.command(epilog=example("definedby worker", "definedby worker --once"))
@click.option("--once", is_flag=True, help="Do everything once and end, for a cron job.")
@click.option("--holder", default="", hidden=True)
@with_settings
def worker(settings: Settings, *, once: bool, holder: str) -> None:
    """Read accounts, send what was approved, publish what was granted; until stopped."""
    from web.work import work

    work(settings, once=once, holder=holder)


@click.command(epilog=example("definedby invite"))
@with_ledger
def invite(ledger: Ledger) -> None:
    """Print a one-time link, valid for a day, that sets the owner's address and password."""
    from ledger.editors import invite_owner

    click.echo(invite_owner(ledger))
