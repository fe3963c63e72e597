"""The frame of the command: what loads when, what people read, and how a command ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ledger.cli import (
    backup_command,
    doctor_command,
    ledger_group,
    restore_command,
    resume_command,
    settings_command,
)
from ledger.command_line import LazyGroup, example, show, with_ledger
from ledger.database import Ledger
from ledger.errors import Exit
from tests.sample_ledger import fill, make_ledger

#: A command of its own, run as a process: its module is the same file, imported by name.
PROGRAM = '''
import errno, sys
import click
from ledger.command_line import LazyGroup, run, example, json_option
from ledger.errors import DefinedbyError, TemporaryError

@click.command(epilog=example("definedby good --json", "definedby good"))
@json_option
def good(as_json):
    """Do a good thing."""
    click.echo("done")

@click.command()
@click.argument("how")
def fail(how):
    """Fail in a given way."""
    if how == "exit":
        click.get_current_context().exit(5)
    if how == "flood":
        for _ in range(100000):
            click.echo("x" * 80)
        return
    raise {
        "mendable": DefinedbyError("It is broken.", "Mend it."),
        "temporary": TemporaryError("It is busy.", "Wait."),
        "usage": click.UsageError("That is no way."),
        "interrupt": KeyboardInterrupt(),
        "permission": PermissionError(errno.EACCES, "Permission denied", "/srv/a"),
        "full": OSError(errno.ENOSPC, "No space left on device"),
        "missing": FileNotFoundError(errno.ENOENT, "No such file or directory", "/srv/b"),
        "bug": ZeroDivisionError("words of somebody"),
    }[how]

group = LazyGroup(
    {
        "good": ("program:good", "Do a good thing."),
        "fail": ("program:fail", "Fail in a given way."),
        "heavy": ("a_module_that_is_not_there:command", "Is never loaded by help."),
    },
    name="definedby",
    help="Ask one question.",
)

def main():
    run(group)

if __name__ == "__main__":
    import program
    program.main()
'''


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "program.py"
    path.write_text(PROGRAM)
    return path


def start(program: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(program.parent), *sys.path])
    return subprocess.run(
        [sys.executable, str(program), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": paths, **environ},
    )


def test_help_lists_the_commands_without_loading_them(program: Path) -> None:
    done = start(program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ask one question." in done.stdout
    for line in ("good   Do a good thing.", "heavy  Is never loaded by help.", "--debug"):
        assert line in done.stdout
    assert done.stdout.index("good  ") < done.stdout.index("heavy  "), "in the order given"


def test_help_loads_nothing_heavy(program: Path) -> None:
    code = (
        "import sys; sys.argv = ['definedby', '--help']\n"
        "import program\n"
        "try:\n    program.main()\n"
        "except SystemExit as ended:\n    assert ended.code == 0\n"
        "heavy = {'sqlalchemy', 'pydantic', 'flask', 'rich', 'structlog', 'cryptography'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    paths = os.pathsep.join([str(program.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.stdout.splitlines()[-1] == "LOADED []", done.stderr


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("mendable", 1, "Error: It is broken.\nMend it.\n"),
        ("temporary", 4, "Error: It is busy.\nWait.\n"),
        ("exit", 5, ""),
        ("interrupt", 130, "\n"),
    ],
)
def test_how_a_command_ends(program: Path, how: str, code: int, said: str) -> None:
    done = start(program, "fail", how)
    assert (done.returncode, done.stderr, done.stdout) == (code, said, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fail", "usage"], "That is no way."),
        (["goood"], "Did you mean 'good'"),
        (["good", "--jsno"], "--json"),
        (["fail"], "Missing argument 'HOW'"),
        (["--nonsense"], "No such option"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_why(
    program: Path, arguments: list[str], said: str
) -> None:
    done = start(program, *arguments)
    assert done.returncode == Exit.USAGE
    assert said in done.stderr


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("permission", 1, "Error: /srv/a may not be read or written by this user."),
        ("full", 4, "Error: The disk is full: nothing of this step was stored."),
        ("missing", 1, "Error: /srv/b can't be used: No such file or directory."),
    ],
)
def test_errors_of_the_machine_become_sentences(
    program: Path, how: str, code: int, said: str
) -> None:
    done = start(program, "fail", how)
    assert done.returncode == code
    what, next_step, *rest = done.stderr.splitlines()
    assert what == said
    assert next_step
    assert rest == []


def test_a_bug_is_one_sentence_unless_one_asks_for_more(program: Path, tmp_path: Path) -> None:
    home = {"DEFINEDBY_HOME": str(tmp_path)}
    done = start(program, "fail", "bug", **home)
    assert done.returncode == Exit.FAILED
    assert "did not foresee (ZeroDivisionError)" in done.stderr
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr
    assert "words of somebody" not in done.stderr
    for asked in (
        start(program, "--debug", "fail", "bug", **home),
        start(program, "fail", "bug", DEFINEDBY_LOG_LEVEL="debug", **home),
    ):
        assert asked.returncode == Exit.FAILED
        assert "Traceback" in asked.stderr


def test_a_reader_that_leaves_is_no_error(program: Path) -> None:
    paths = os.pathsep.join([str(program.parent), *sys.path])
    writer = subprocess.Popen(
        [sys.executable, str(program), "fail", "flood"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.readline()
    writer.stdout.close()
    complaint = writer.stderr.read()
    writer.stderr.close()
    assert (writer.wait(30), complaint) == (Exit.FAILED, b"")


def test_examples_are_kept_line_by_line(program: Path) -> None:
    done = start(program, "good", "--help")
    assert "Examples:\n    definedby good --json\n    definedby good\n" in done.stdout
    assert example("definedby poll") == "\b\nExample:\n  definedby poll"


def test_a_wrong_path_in_the_list_of_commands_is_a_bug() -> None:
    group = LazyGroup({"a": ("ledger.errors:Exit", "Not a command.")})
    with pytest.raises(TypeError, match="not a command"):
        CliRunner().invoke(group, ["a"], catch_exceptions=False)


ROWS = [{"name": "ä", "is_open": True, "note": None}, {"name": "b", "is_open": False, "note": 3}]


def test_rows_are_a_plain_table(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS)
    assert capsys.readouterr().out == "name  is open  note\nä     yes\nb     no       3\n"


def test_a_record_is_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS[0])
    assert capsys.readouterr().out == "name:    ä\nis open: yes\nnote:    \n"


def test_json_is_one_sorted_value(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, as_json=True)
    printed = capsys.readouterr().out
    assert json.loads(printed) == ROWS
    assert printed.index("is_open") < printed.index("name")
    assert "ä" in printed
    show({"file": Path("a")}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"file": "a"}


def test_an_empty_list_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show([], empty="No replies yet. Next: definedby poll")
    show([], as_json=True)
    assert capsys.readouterr().out == "No replies yet. Next: definedby poll\n[]\n"


@pytest.mark.parametrize(
    "shown", [[{"name": "a\x1b[2J\u202eb\x07"}], {"name": "a\x1b[2J\u202eb\x07"}]
)
def test_words_of_strangers_do_not_steer_the_terminal(
    shown: object, capsys: pytest.CaptureFixture[str]
) -> None:
    show(shown)  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert not set("\x1b\x07\u202e") & set(printed)
    assert "[2Jb" in printed, "rich's own marks are words here"


def test_long_words_are_not_cut_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"text": "word " * 200}])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_with_ledger_opens_and_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ledger(tmp_path).close()
    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path))
    seen: list[Ledger] = []

    @click.command()
    @click.argument("word")
    @with_ledger
    def use(ledger: Ledger, word: str) -> None:
        seen.append(ledger)
        assert word == "a"
        with ledger.read() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1

    assert CliRunner().invoke(use, ["a"], catch_exceptions=False).exit_code == 0
    assert "Connections in pool: 0" in seen[0].engine.pool.status()


@pytest.mark.parametrize(
    "command",
    [
        *(*ledger_group.commands.values(), backup_command, restore_command),
        *(resume_command, doctor_command, settings_command),
    ],
)
def test_every_command_shows_an_example(command: click.Command) -> None:
    shown = CliRunner().invoke(command, ["--help"]).output
    assert "Example" in shown
    assert "    definedby " in shown
    assert command.get_short_help_str()


def test_settings_are_listed_with_their_origin_and_without_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "definedby.toml").write_text("title = 'Lamps'")
    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path))
    monkeypatch.setenv("DEFINEDBY_DATABASE_URL", "postgresql://ada:sesame@db.example/x?sslmode=a")
    monkeypatch.setenv("DEFINEDBY_RATE_LIMIT_STORAGE", "redis://:sesame@db.example/0")
    printed = CliRunner().invoke(settings_command, ["--json"], catch_exceptions=False).stdout
    assert "sesame" not in printed
    rows = {row["name"]: row for row in json.loads(printed)}
    assert rows["DEFINEDBY_TITLE"]["value"] == "Lamps"
    assert rows["DEFINEDBY_TITLE"]["from"] == "file"
    assert rows["DEFINEDBY_HOME"]["from"] == "environment"
    assert rows["DEFINEDBY_PORT"]["from"] == "default"
    assert rows["DEFINEDBY_PORT"]["value"] == 8000
    url = rows["DEFINEDBY_DATABASE_URL"]["value"]
    assert url == "postgresql://ada:***@db.example/x?sslmode=a"
    plain = CliRunner().invoke(settings_command, catch_exceptions=False).stdout
    assert "sesame" not in plain
    assert "Port the web server listens on." in plain


def test_verify_says_how_far_the_chain_holds_and_ends_with_5_when_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make_ledger(tmp_path / "home")
    fill(ledger, 2)
    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path / "home"))
    run = CliRunner().invoke
    assert run(ledger_group, ["head"], catch_exceptions=False).exit_code == 0
    done = run(ledger_group, ["verify"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "8 events and 1 exported heads were checked." in done.stdout
    assert "The chain holds up to event 8." in done.stdout
    with ledger.write() as connection:
        connection.exec_driver_sql("UPDATE events SET kind = 'refused' WHERE seq = 3")
    ledger.close()
    done = run(ledger_group, ["verify"], catch_exceptions=False)
    assert done.exit_code == Exit.BROKEN_LEDGER
    assert "The chain is broken at event 3: its content does not match its hash." in done.stdout
    done = run(ledger_group, ["verify", "--json"], catch_exceptions=False)
    assert done.exit_code == Exit.BROKEN_LEDGER
    assert json.loads(done.stdout)["event"] == 3
