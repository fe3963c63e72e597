"""Signed heads in a git repository, as well: pushed elsewhere, nobody here can take them back.

Every turn looks at what is missing there and makes it so. A push that failed is therefore tried
again at the next turn, and until one succeeds `definedby doctor` and `definedby ledger head` say
so. Git runs without a terminal, so that it can ask nobody for a password.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from ledger import durable
from ledger.archive import HEADS
from ledger.database import make_folder
from ledger.errors import DefinedbyError, SettingError, TemporaryError
from ledger.settings import Settings

SECONDS = 120
#: Whoever runs the instance may not have told git who they are.
AUTHOR = ("-c", "user.name=Definedby", "-c", "user.email=heads@definedby.example")


def keep_in_git(settings: Settings) -> str:
    """Commit the heads that the repository lacks, and push; returns what was done, in words.

    Empty where no repository is set. Raises DefinedbyError, with everything left to the next try.
    """
    if settings.heads_git == Path():
        return ""
    repository = _repository(settings)
    for file in _lacking(settings, repository):
        make_folder(repository / HEADS)
        durable.write_file(repository / HEADS / file.name, file.read_bytes())
        _git(repository, "add", "--", f"{HEADS}/{file.name}")
    if _git(repository, "status", "--porcelain", "--", HEADS):
        _git(repository, *AUTHOR, "commit", "-q", "-m", "Keep the head of the record", "--", HEADS)
    remote = _remote(repository)
    if not remote:
        return "It is committed; the repository has no remote to push to."
    branch = _branch(repository)
    if branch and _unpushed(repository, remote, branch):
        _push(repository, remote, branch)
    return f"It is committed and pushed to {remote}."


def behind(settings: Settings) -> str:
    """What the repository or its remote still lacks, in words; empty when all is there.

    Looks at files alone, and asks no server. Raises DefinedbyError.
    """
    if settings.heads_git == Path():
        return ""
    repository = _repository(settings)
    if _lacking(settings, repository) or _git(repository, "status", "--porcelain", "--", HEADS):
        return "not every head is committed"
    remote, branch = _remote(repository), _branch(repository)
    if remote and branch and _unpushed(repository, remote, branch):
        return f"the newest heads are not pushed to {remote}"
    return ""


def _repository(settings: Settings) -> Path:
    repository = settings.heads_git
    try:
        inside = _git(repository, "rev-parse", "--show-toplevel")
    except (DefinedbyError, OSError):
        inside = ""
    if not inside or Path(inside).resolve() != repository.resolve():
        raise SettingError(
            f"{repository} is no git repository.",
            "Make one with 'git init' there, or name another in DEFINEDBY_HEADS_GIT.",
        )
    return repository


def _lacking(settings: Settings, repository: Path) -> list[Path]:
    """Head files that are not there, or that state an earlier head of their day."""
    return [
        file
        for file in sorted((settings.home / HEADS).glob("*.json"))
        if _stated(file) != _stated(repository / HEADS / file.name)
    ]


def _stated(file: Path) -> object:
    """The head in a file, whenever it was exported: only another head is worth a commit."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return stored["seq"], stored["hash"], stored["public_key"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remote(repository: Path) -> str:
    return next(iter(_git(repository, "remote").split()), "")


def _branch(repository: Path) -> str:
    """The branch that is checked out, once there is a commit on it."""
    head = _git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads")
    current = _git(repository, "branch", "--show-current")
    return current if current in head.splitlines() else ""


def _unpushed(repository: Path, remote: str, branch: str) -> bool:
    """By what the last push told: git itself remembers where the remote's branch stood."""
    known = _git(repository, "for-each-ref", "--format=%(objectname)", _known(remote, branch))
    return known != _git(repository, "rev-parse", f"refs/heads/{branch}")


def _known(remote: str, branch: str) -> str:
    return f"refs/remotes/{remote}/{branch}"


def _push(repository: Path, remote: str, branch: str) -> None:
    try:
        _git(repository, "push", "-q", remote, f"refs/heads/{branch}")
    except TemporaryError as error:
        raise TemporaryError(
            f"The head is committed in {repository}, but not pushed to {remote}: {error.what}",
            "It is tried again every hour. Push there by hand once to see what is wrong.",
        ) from error


def _git(repository: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise DefinedbyError(
            "The program git is not installed.", "Install it, or empty DEFINEDBY_HEADS_GIT."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TemporaryError(
            f"git {arguments[0]} did not end within {SECONDS} seconds.",
            "Run it by hand in the repository of the heads to see what it waits for.",
        ) from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise TemporaryError(
            f"git {arguments[0]} failed: {said[0]}",
            "Run it by hand in the repository of the heads to see what is wrong.",
        )
    return done.stdout.strip()
