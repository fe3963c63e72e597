"""The composition root: `create_app` for WSGI servers, `main` for the `definedby` command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ledger.command_line import LazyGroup, example, run

if TYPE_CHECKING:
    from flask import Flask

#: Every command with its module and a line of help; a module is imported when it is called.
COMMANDS = {
    "serve": ("web.cli:serve", "Run the blog, the desk and the worker."),
    "worker": ("web.cli:worker", "Read accounts, send what was approved, publish; no web."),
    "invite": ("web.cli:invite", "A one-time link that sets the owner's password."),
    "poll": ("collector.cli:poll", "Read all accounts now."),
    "read": ("collector.reading_cli:read", "Say what replies seem to be, for programs."),
    "import": ("collector.cli:import_command", "Take in answers from CSV, JSON Lines or mbox."),
    "campaign": ("ledger.campaign_cli:campaign", "The questions you ask: new, list, show."),
    "account": ("collector.account_cli:account", "What is read: add, list, test, pause, remove."),
    "prompt": ("collector.prompt_cli:prompt", "Post the question by your accounts."),
    "status": ("collector.cli:status", "How each account fares, and what went wrong."),
    "edition": ("publisher.cli:edition", "Round-ups: new, list, publish, retract."),
    "consent": ("consent.cli:consent", "What people allowed: show, withdraw, expire, corrections."),
    "messages": ("consent.messages_cli:messages", "Your own words for what is sent: list, start."),
    "rights": ("consent.rights.cli:rights", "What people may ask about themselves: export, erase."),
    "answers": ("consent.answers_cli:answers_command", "Read decisions from JSON Lines."),
    "receipt": ("consent.cli:receipt", "Receipts that people kept: verify one, offline."),
    "why": ("consent.cli:why_command", "Why something may be published, with the evidence."),
    "publish": ("publisher.cli:publish", "Write the posts and the blog."),
    "hosting": ("web.hosting:hosting", "Configure a web server to serve the blog by itself."),
    "ledger": ("consent.audit_cli:ledger_group", "Verify the record of consent, export its proof."),
    "backup": ("ledger.cli:backup_command", "Copy everything into one file."),
    "restore": ("ledger.cli:restore_command", "Bring a backup back, or try whether it would work."),
    "resume": ("ledger.cli:resume_command", "Let a restored instance send and publish again."),
    "doctor": ("consent.messages_cli:doctor_command", "Examine the instance and say what to mend."),
    "rotate-keys": ("ledger.cli:rotate_keys_command", "Encrypt stored secrets under a new key."),
    "settings": (
        "ledger.cli:settings_command",
        "Every setting, its value and where that comes from.",
    ),
    "demo": ("web.demo.cli:demo", "A made-up campaign to look at, in an instance of its own."),
}


def create_app() -> Flask:
    """The web application of the instance that the settings name.

    For `flask --app app` and any WSGI server; makes the instance where it is missing.
    """
    from ledger import log
    from ledger.database import open_ledger
    from ledger.settings import load_settings
    from web.application import create_application

    settings = load_settings()
    log.configure(settings)
    return create_application(open_ledger(settings, create=True))


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example("definedby serve", "definedby campaign new 'A good talk is ___?'"),
)
@click.version_option(package_name="definedby")
def definedby() -> None:
    """Ask one question with a blank in it, ask before you use the answers, credit in full."""


def main() -> None:
    """The `definedby` command."""
    run(definedby)


if __name__ == "__main__":
    main()
