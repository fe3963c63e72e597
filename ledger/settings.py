"""Every setting in one place; the only module that reads the environment.

A setting comes from the environment variable `DEFINEDBY_<NAME>`, else from the file
`definedby.toml` in the instance folder, else from its default.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ledger.errors import SettingError

PREFIX = "DEFINEDBY_"
FILE_NAME = "definedby.toml"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseModel):
    """All settings; each description is printed by `definedby settings` and in the reference."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(Path("instance"), description="Instance folder: database, keys, built site.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    database_url: str = Field(
        "",
        description="SQLAlchemy URL of the database; empty means SQLite in the instance folder.",
    )
    content: Path = Field(
        Path("content"), description="Folder of Markdown: pages/ by hand, posts/ composed."
    )
    site: Path = Field(
        Path(), description="Folder the blog is built into; empty means site/ in the instance."
    )
    heads_git: Path = Field(
        Path(),
        description="Git repository that heads are committed to, and pushed from where it has a "
        "remote; empty means none.",
    )
    base_url: str = Field(
        "", description="Public address of the blog; empty means http://HOST:PORT."
    )
    title: str = Field("Definedby", description="Name of the blog.")
    asker: str = Field(
        "The editor of this blog",
        description="Who asks for permission and is responsible for the data (GDPR: controller).",
    )
    contact: str = Field(
        "", description="Where people can reach the asker: an e-mail or postal address."
    )
    request_days: int = Field(
        14, ge=1, le=365, description="Days until an unanswered consent request expires."
    )
    backup_days: int = Field(
        30,
        ge=1,
        le=365,
        description="Days after which backups that know an erased person are deleted.",
    )
    least_age: int = Field(
        0,
        ge=0,
        le=21,
        description="The age that people must state to have in order to say yes; 0 asks nobody.",
    )
    poll_seconds: int = Field(
        60, ge=1, le=86400, description="Seconds between two readings of an account."
    )
    # The least for each channel, however short poll_seconds is.
    # Mailboxes: no common limit, but providers shut out whoever signs in too often.
    email_poll_seconds: int = Field(
        30, ge=1, le=86400, description="The least seconds between two readings of a mailbox."
    )
    # 300 requests in 5 minutes (docs.joinmastodon.org/api/rate-limits); a reading takes up to
    # some 25: mentions, private ones, and the thread of each of 20 prompts.
    mastodon_poll_seconds: int = Field(
        30, ge=25, le=86400, description="The same for a Mastodon account."
    )
    # 3,000 requests in 5 minutes for each IP address (docs.bsky.app/docs/advanced-guides/
    # rate-limits); a reading takes up to some 100.
    bluesky_poll_seconds: int = Field(
        20, ge=10, le=86400, description="The same for a Bluesky account."
    )
    # Direct messages: 15 requests in 15 minutes; mentions 300 (docs.x.com/x-api/fundamentals/
    # rate-limits). A reading asks once for messages, or more where many have come.
    x_poll_seconds: int = Field(90, ge=60, le=86400, description="The same for an X account.")
    # Blogs name an hour between changes (sy:updatePeriod, web.resource.org/rss/1.0/modules/
    # syndication), but list only the newest ten. What is unchanged is answered without a body.
    comments_poll_seconds: int = Field(
        300, ge=60, le=86400, description="The same for a feed of comments."
    )
    web_threads: int = Field(8, ge=1, le=64, description="Threads of the web server.")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="Reverse proxies in front whose X-Forwarded headers count."
    )
    rate_limit_storage: str = Field(
        "memory://", description="Where request counts live; memory:// counts per process."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least serious message that is logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="Shape of a log line.")
    demo: bool = Field(
        default=False, description="Mark every page as a demonstration with made-up people."
    )

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError for a port that can't be
        extra = parts.query or parts.fragment or "@" in parts.netloc
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise ValueError("give a whole address such as https://blog.example")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("a public address starts with https://, or sign-in can be overheard")
        if parts.path.strip("/"):
            raise ValueError("the blog needs a host of its own, without a path")
        return value.rstrip("/")

    @property
    def site_folder(self) -> Path:
        return self.home / "site" if self.site == Path() else self.site

    @property
    def public_url(self) -> str:
        """The address readers use, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        if not self.database_url:
            return f"sqlite:///{self.home.resolve() / 'definedby.sqlite'}"
        # Both spellings are common in hosting panels; SQLAlchemy wants the driver named.
        for old in ("postgres://", "postgresql://"):
            if self.database_url.startswith(old):
                return "postgresql+psycopg://" + self.database_url.removeprefix(old)
        return self.database_url


def load_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from `given` (which wins), the environment and the instance's file.

    Raises SettingError naming the setting, what is wrong with it and how to mend it.
    """
    env = os.environ if environ is None else environ
    named = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in env.items()
        if name.startswith(PREFIX)
    }
    _refuse_unknown(named, lambda name: f"the environment variable {PREFIX}{name.upper()}")
    home = Path(given.get("home") or named.get("home") or Settings.model_fields["home"].default)
    path = home / FILE_NAME
    from_file = _read_file(path)
    _refuse_unknown(from_file, lambda name: f"'{name}' in {path}")
    if "home" in from_file:
        raise SettingError(
            f"'home' in {path} has no effect: the file is looked for in that folder.",
            f"Remove it there and set {PREFIX}HOME in the environment.",
        )
    values = {**from_file, **named, "home": home, **given}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        what = first["msg"].removeprefix("Value error, ")
        where = f"{PREFIX}{name.upper()}" if name in named else f"The setting {name}"
        raise SettingError(
            f"{where} is {str(values.get(name))!r}, which can't be used: {what}.",
            f"Correct it; 'definedby settings' describes it ({_describe(name)})",
        ) from error


def origins(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Where each setting in force comes from: "environment", "file" or "default"."""
    env = os.environ if environ is None else environ
    home = Path(env.get(f"{PREFIX}HOME") or Settings.model_fields["home"].default)
    from_file = _read_file(home / FILE_NAME)
    return {
        name: "environment"
        if f"{PREFIX}{name.upper()}" in env
        else ("file" if name in from_file else "default")
        for name in Settings.model_fields
    }


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except NotADirectoryError as error:
        raise SettingError(
            f"The instance folder {path.parent} is not a folder.",
            f"Name another one in {PREFIX}HOME.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(
            f"The settings file {path} can't be read: {error}.",
            "Correct that line; each line is NAME = value, texts in quotes.",
        ) from error
    except OSError as error:
        raise SettingError(
            f"The settings file {path} can't be opened: {error.strerror}.",
            "Give the user that runs definedby the right to read it.",
        ) from error


def _refuse_unknown(named: Mapping[str, Any], where: Any) -> None:
    for name in named:
        if name in Settings.model_fields:
            continue
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        hint = f"Did you mean {PREFIX}{near[0].upper()}? " if near else ""
        raise SettingError(
            f"There is no setting for {where(name)}.",
            f"{hint}'definedby settings' lists them all.",
        )


def _describe(name: str) -> str:
    known = Settings.model_fields.get(name)
    return known.description or "" if known else "see the list"
