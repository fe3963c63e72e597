"""The frame of the `definedby` command: lazy loading, errors as sentences, plain output.

Nothing heavy is imported here, so that `definedby --help` answers at once.
"""

from __future__ import annotations

import errno
import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import click

from ledger.errors import DefinedbyError, Exit, TemporaryError

Command = TypeVar("Command", bound=Callable[..., Any])
Record = Mapping[str, Any]

INTERRUPTED = 130


@dataclass
class Frame:
    """What the command line as a whole was told; the click context's `obj`."""

    debug: bool = False


class LazyGroup(click.Group):
    """A group that imports a command only when it is called.

    `lazy` maps a command's name to ("module:attribute", its help in one line).
    """

    def __init__(self, lazy: Mapping[str, tuple[str, str]], **given: Any) -> None:
        super().__init__(**given)
        self.lazy = dict(lazy)
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                callback=_note_debug,
                help="Show the traceback of an unexpected error.",
            )
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.lazy, *(name for name in super().list_commands(ctx) if name not in self.lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.lazy[cmd_name][0]} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in self.lazy.items()]
        for name in super().list_commands(ctx):
            command = super().get_command(ctx, name)
            if command is not None and name not in self.lazy:
                rows.append((name, command.get_short_help_str()))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None


def _note_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value and isinstance(context.obj, Frame):
        context.obj.debug = True


def run(group: click.Command) -> NoReturn:
    """Run the command line and exit with an honest code (ledger.errors.Exit)."""
    frame = Frame()
    try:
        code = group.main(standalone_mode=False, obj=frame)
        # An unread pipe shows only here, and otherwise as a complaint of the interpreter.
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = Exit.FAILED  # quietly, as click itself does while a command runs
    except Exception as error:  # noqa: BLE001 - the last resort: people get a sentence
        code = _explain(error, frame)
    sys.exit(code if isinstance(code, int) else Exit.DONE)


def _explain(error: Exception, frame: Frame) -> int:
    shown = in_plain_words(error)
    click.echo(f"Error: {shown.what}\n{shown.next_step}", err=True)
    if not isinstance(error, DefinedbyError) and _debugging(frame):
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True)
    return int(shown.exit_code)


def in_plain_words(error: Exception) -> DefinedbyError:
    """Any error as a sentence and a next step."""
    if isinstance(error, DefinedbyError):
        return error
    if isinstance(error, PermissionError):
        return DefinedbyError(
            f"{error.filename or 'A file'} may not be read or written by this user.",
            "Give the user that runs definedby the right to, or run it as the file's owner.",
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return TemporaryError(
            "The disk is full: nothing of this step was stored.",
            "Free some space and run the command again.",
        )
    if isinstance(error, OSError) and error.filename:
        return DefinedbyError(
            f"{error.filename} can't be used: {error.strerror}.", "Check its name and its place."
        )
    return DefinedbyError(
        f"Something happened that definedby did not foresee ({type(error).__name__}).",
        "Run 'definedby --debug …' with the same command to see where, and please report it: "
        "https://github.com/definedby/definedby/issues",
    )


def _debugging(frame: Frame) -> bool:
    if frame.debug:
        return True
    try:
        from ledger.settings import load_settings

        return load_settings().log_level == "debug"
    except DefinedbyError:
        return False


def example(*lines: str) -> str:
    """An epilog with examples, kept line by line: `epilog=example("definedby poll --json")`."""
    title = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", title, *(f"  {line}" for line in lines)])


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def with_settings(command: Command) -> Command:
    """Give a command the settings as its first argument."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from ledger.settings import load_settings

        return command(load_settings(), *args, **kwargs)

    return wrapped  # type: ignore[return-value] # one argument fewer; click calls it by name


def with_ledger(command: Command) -> Command:
    """Give a command the open ledger as its first argument, and close it afterwards."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from ledger.database import open_ledger
        from ledger.settings import load_settings

        ledger = open_ledger(load_settings())
        try:
            return command(ledger, *args, **kwargs)
        finally:
            ledger.close()

    return wrapped  # type: ignore[return-value] # one argument fewer; click calls it by name


def show(
    shown: Record | Sequence[Record], *, as_json: bool = False, empty: str = "Nothing to show."
) -> None:
    """Print a record, or rows as a table; as JSON: one object, or one list."""
    if as_json:
        import json

        click.echo(json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False, default=str))
    elif isinstance(shown, Mapping):
        width = max(map(len, shown), default=0) + 1
        for name, value in shown.items():
            click.echo(f"{_label(name) + ':':{width}} {_plain(value)}")
    elif not shown:
        click.echo(empty)
    else:
        _table(shown)


def _table(rows: Sequence[Record]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(_label(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_plain(row.get(name))) for name in rows[0]))
    # A file or a program gets whole lines; only a terminal has a width to fit into.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _label(name: str) -> str:
    return name.replace("_", " ")


def _plain(value: Any) -> str:
    """One line without control characters: words of strangers must not steer a terminal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    from ledger.model import clean_name

    return clean_name(str(value))
