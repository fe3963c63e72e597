"""Editors as Flask-Security sees them, read and written through the ledger like all else."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask_security import RoleMixin, Security, UserDatastore, UserMixin
from sqlalchemy import Row, func, select, update

from ledger.database import Ledger
from ledger.editors import OWNER
from ledger.tables import editors

ROLES = frozenset({OWNER, "editor"})
#: The columns by which Flask-Security looks an editor up.
_KEYS = {"id": editors.c.id, "email": editors.c.email, "fs_uniquifier": editors.c.fs_uniquifier}


@dataclass(eq=False)
class Role(RoleMixin):
    name: str


@dataclass(eq=False)
class Editor(UserMixin):
    """One row of `editors`. A new `fs_uniquifier` ends all sessions of that editor."""

    id: int
    email: str
    name: str
    password: str
    active: bool
    fs_uniquifier: str = ""
    roles: list[RoleMixin] = field(default_factory=list)

    @property
    def shown_name(self) -> str:
        return self.name or self.email


class EditorStore(UserDatastore):
    """Finds and saves editors; each `put` is a transaction of its own."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(Editor, Role)
        self._ledger = ledger

    def find_user(self, case_insensitive: bool = False, **by: Any) -> Editor | None:  # noqa: FBT001, FBT002  the library's signature
        ((name, value),) = by.items()
        column: Any = _KEYS[name]
        same = func.lower(column) == str(value).lower() if case_insensitive else column == value
        with self._ledger.read() as connection:
            row = connection.execute(select(editors).where(same)).first()
        return None if row is None else _editor(row)

    def find_role(self, role: str) -> Role | None:
        return Role(role) if role in ROLES else None

    def put(self, editor: Editor) -> Editor:
        with self._ledger.write() as connection:
            connection.execute(
                update(editors)
                .where(editors.c.id == editor.id)
                .values(
                    email=editor.email,
                    name=editor.name,
                    password=editor.password,
                    active=editor.active,
                    fs_uniquifier=editor.fs_uniquifier,
                )
            )
        return editor

    def commit(self) -> None:
        """Nothing is left to do: every `put` has been committed."""

    def end_sessions(self, editor: Editor) -> None:
        """Sign this editor out of every browser."""
        editor.fs_uniquifier = secrets.token_hex(32)
        self.put(editor)


def set_up_sign_in(app: Flask, ledger: Ledger) -> None:
    """Passwords by argon2id (RFC 9106), sessions by Flask-Login; the views are our own."""
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106  the name of a scheme
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_PASSWORD_LENGTH_MIN=12,
        SECURITY_PASSWORD_COMPLEXITY_CHECKER=None,
        SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=False,
        SECURITY_DEFAULT_REMEMBER_ME=False,
    )
    Security(app, EditorStore(ledger), register_blueprint=False)


def store() -> EditorStore:
    from flask import current_app

    found = current_app.extensions["security"].datastore
    assert isinstance(found, EditorStore)
    return found


def _editor(row: Row[Any]) -> Editor:
    return Editor(
        row.id, row.email, row.name, row.password, row.active, row.fs_uniquifier, [Role(row.role)]
    )
