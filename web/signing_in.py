"""Sign in to the desk and out of it. There is no registration and no recovery by mail."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user, hash_password, login_user, logout_user

from web.access import SIGNED_IN_AT, editor_only, is_signed_in, open_to_all
from web.here import ledger
from web.passwords import LONGEST
from web.users import Editor, store

pages = Blueprint("signing_in", __name__, url_prefix="/desk")
#: The same words for an unknown address and a wrong password (promise P23).
WRONG = "This address and this password do not belong together."


@pages.route("/sign-in", methods=["GET", "POST"])
@open_to_all
def sign_in() -> ResponseReturnValue:
    email = request.form.get("email", "").strip()
    if request.method == "POST":
        editor = _editor_with(email, request.form.get("password", ""))
        if editor is not None:
            begin_session(editor)
            return redirect(url_for("inbox.replies"), 303)
        return render_template("desk/sign_in.html", email=email, wrong=WRONG), 401
    if is_signed_in():
        return redirect(url_for("inbox.replies"))
    return render_template("desk/sign_in.html", email="", wrong="")


@pages.post("/sign-out")
@editor_only
def sign_out() -> ResponseReturnValue:
    """End the session here and in every other browser of this editor."""
    store().end_sessions(store().find_user(id=current_user.id) or current_user)
    logout_user()
    session.clear()
    return redirect(url_for("signing_in.sign_in"), 303)


def begin_session(editor: Editor) -> None:
    """Start a new session for this editor; nothing of the old one stays."""
    session.clear()
    login_user(editor, remember=False)
    session[SIGNED_IN_AT] = ledger().clock().isoformat()
    session.permanent = True


def _editor_with(email: str, password: str) -> Editor | None:
    password = current_app.extensions["security"].password_util.normalize(password[: 4 * LONGEST])
    editor = store().find_user(case_insensitive=True, email=email)
    if editor is None or not editor.password or not editor.active:
        hash_password(password)  # as slow as for an address that we know
        return None
    return editor if editor.verify_and_update_password(password) else None
