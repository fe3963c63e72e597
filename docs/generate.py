"""Write the reference that follows from the code: `python -m docs.generate`.

docs/reference/commands.md comes from the command line itself, docs/reference/settings.md from
the settings model, docs/explanation/etiquette.md from the rules, and outbox.md beside it from the
moves of its messages. tests/unit/test_docs.py fails when one of them is out of date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from app import COMMANDS, definedby
from docs.etiquette_page import etiquette_markdown
from docs.outbox_page import outbox_markdown
from ledger.settings import FILE_NAME, PREFIX, Settings

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Made by `python -m docs.generate`; change the code, then run that. -->"


def commands_markdown() -> str:
    """Every command with its arguments, options and examples, as Markdown."""
    lines = [
        "# Commands",
        "",
        NOTE,
        "",
        "In a checkout the command is `.venv/bin/definedby`; after `. .venv/bin/activate` it is",
        "`definedby`. Run it in the folder of the checkout, or say in `DEFINEDBY_HOME` and",
        "`DEFINEDBY_CONTENT` where the instance is ([settings](settings.md)). What a command",
        "returns when it ends: [exit codes](exit-codes.md).",
        "",
        "| Command | What it does |",
        "|---|---|",
    ]
    lines += [f"| [`{name}`](#definedby-{name}) | {text} |" for name, (_, text) in COMMANDS.items()]
    lines += ["", "Every command knows `-h` and `--help`. Before the command's name stand:", ""]
    with click.Context(definedby, info_name="definedby") as context:
        lines += _options(definedby, context)
        for name in COMMANDS:
            command = definedby.get_command(context, name)
            assert command is not None
            lines += _section(command, name, context, level=2)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command by its whole name ("account add"), groups included."""
    with click.Context(definedby, info_name="definedby") as context:
        for name in COMMANDS:
            command = definedby.get_command(context, name)
            assert command is not None
            yield name, command
            for sub_name, sub in getattr(command, "commands", {}).items():
                yield f"{name} {sub_name}", sub


def _section(command: click.Command, name: str, parent: click.Context, level: int) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent) as context:
        yield ""
        yield f"{'#' * level} {context.command_path}"
        yield ""
        yield from _paragraphs(command.help or "")
        if isinstance(command, click.Group):
            for sub_name, sub in command.commands.items():
                yield from _section(sub, sub_name, context, level + 1)
            return
        yield "```text"
        yield " ".join([context.command_path, *command.collect_usage_pieces(context)])
        yield "```"
        yield ""
        yield from _options(command, context)
        yield from _examples(command.epilog or "")


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.replace("\b\n", "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [
        record
        for option in command.params
        if isinstance(option, click.Option)
        and (record := option.get_help_record(context)) is not None
    ]
    if not records:
        return
    yield "| Option | Meaning |"
    yield "|---|---|"
    for names, meaning in records:
        yield f"| `{_cell(names)}` | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _examples(epilog: str) -> Iterator[str]:
    shown = [line[2:] for line in epilog.splitlines() if line.startswith("  ")]
    if shown:
        yield from ("", "```sh", *shown, "```")


def settings_markdown() -> str:
    """Every setting with its default and meaning, as Markdown."""
    lines = [
        "# Settings",
        "",
        NOTE,
        "",
        "A setting comes from the environment variable `DEFINEDBY_NAME`, else from the file",
        f"`{FILE_NAME}` in the instance folder, else from its default. In the file it has its",
        "short name, in small letters, with texts in quotes:",
        "",
        "```toml",
        'title = "The Blank"',
        'asker = "Robin Example"',
        "request_days = 21",
        "```",
        "",
        "`definedby settings` prints the value in force and where it comes from. A name that does",
        "not exist is refused, in the environment as in the file. `home` can only be set in the",
        "environment, because the file is looked for there. After a change, start `serve` and",
        "`worker` again.",
        "",
        "| Environment | In the file | Default | Meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        in_file = "–" if name == "home" else f"`{name}`"
        default = _default(field.default)
        lines.append(f"| `{PREFIX}{name.upper()}` | {in_file} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    if value in ("", Path()):
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def generated() -> dict[Path, str]:
    """Every generated file and what belongs into it."""
    return {
        REFERENCE / "commands.md": commands_markdown(),
        REFERENCE / "settings.md": settings_markdown(),
        REFERENCE.parent / "explanation" / "etiquette.md": etiquette_markdown(),
        REFERENCE.parent / "explanation" / "outbox.md": outbox_markdown(),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
