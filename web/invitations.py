"""The first key to the desk: a link, valid for a day, that sets an editor's password."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import delete, select, update

from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.model import clean_name
from ledger.tables import editors, invitations
from web.access import open_to_all
from web.here import ledger

pages = Blueprint("welcome", __name__)
MOST_CHARACTERS = 255


@pages.get("/welcome/<token>")
@open_to_all
def welcome(token: str) -> ResponseReturnValue:
    """The form; opening it changes nothing."""
    return render_template("desk/welcome.html", token=token, editor=_invited(token), wrong=None)


@pages.post("/welcome/<token>")
@open_to_all
def accept(token: str) -> ResponseReturnValue:
    """Set address, name and password, use up every invitation, and sign in."""
    from web.signing_in import begin_session
    from web.users import store

    editor = _invited(token)
    email, name = request.form.get("email", "").strip(), clean_name(request.form.get("name", ""))
    try:
        password = _checked(email, name, request.form.get("password", ""))
        _use_up(ledger(), token, editor.id, email=email, name=name, password=password)
    except DefinedbyError as error:
        typed = {"email": email, "name": name}
        shown = render_template("desk/welcome.html", token=token, editor=typed, wrong=error)
        return shown, 400
    found = store().find_user(id=editor.id)
    assert found is not None
    begin_session(found)
    return redirect(url_for("inbox.replies"), 303)


def _invited(token: str) -> Any:
    """The row of the editor this link invites; 404 when it is used up or too old."""
    ours = ledger()
    with ours.read() as connection:
        row = connection.execute(
            select(editors)
            .join(invitations, invitations.c.editor_id == editors.c.id)
            .where(_is_token(ours.keys, token), invitations.c.expires_at > ours.clock())
        ).first()
    return row if row is not None else abort(404)


def _is_token(keys: Keys, token: str) -> Any:
    return invitations.c.token_hash == keys.token_hash(token)


def _checked(email: str, name: str, password: str) -> str:
    """The password's hash, once all three can be used. Raises DefinedbyError."""
    from flask_security import hash_password

    from web.passwords import check_password

    local, _, host = email.rpartition("@")
    if not local or not host or len(email) > MOST_CHARACTERS or any(c.isspace() for c in email):
        raise DefinedbyError("This is not an e-mail address.", "Write it like you@your.example.")
    if len(name) > MOST_CHARACTERS:
        raise DefinedbyError("This name is too long.", "Shorten it.")
    password = current_app.extensions["security"].password_util.normalize(password)
    check_password(password, (email, name))
    return str(hash_password(password))


def _use_up(ledger: Ledger, token: str, editor_id: int, **values: str) -> None:
    """Set the password, once: the invitation goes in the same transaction, and all others too."""
    with ledger.write() as connection:
        used = connection.execute(delete(invitations).where(_is_token(ledger.keys, token)))
        if used.rowcount != 1:
            raise DefinedbyError("This invitation has been used.", "Sign in at the desk.")
        taken = connection.execute(
            select(editors.c.id).where(
                editors.c.email == values["email"], editors.c.id != editor_id
            )
        ).first()
        if taken:
            raise DefinedbyError("Another editor has this address.", "Give another one.")
        connection.execute(
            update(editors)
            .where(editors.c.id == editor_id)
            .values(**values, active=True, fs_uniquifier=secrets.token_hex(32))
        )
        connection.execute(delete(invitations).where(invitations.c.editor_id == editor_id))
