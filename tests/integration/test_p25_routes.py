"""P25: every route says who may use it, and nobody sees another's things."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from ledger.database import Ledger
from ledger.model import Campaign
from ledger.tables import editors
from tests.people import asked
from tests.visiting import Visitor, application, contributor, owner
from web.access import Access, access_of

WHOLE_ID = "0" * 32
ARGUMENTS = {
    "account_id": "1",
    "channel": "email",
    "contributor_id": WHOLE_ID,
    "prompt_id": "1",
    "definition_id": WHOLE_ID,
    "edition_id": WHOLE_ID,
    "filename": "app.css",
    "kind": "greeting",
    "message_id": "1",
    "thread_id": "1",
    "told_id": "1",
    "newcomer_id": "1",
    "path": "nowhere",
    "reply_id": "1",
    "request_id": WHOLE_ID,
    "slug": "thought-leadership",
    "token": "x",
}
#: Every route that anybody may use. A new one has to be added here by hand.
OPEN = {
    "answers.answered",
    "answers.send",
    "answers.words",
    "blog.health",
    "blog.show",
    "feeds.show",
    "personal.enter",
    "rights.erased",
    "signing_in.sign_in",
    "static",
    "unsubscribing.look",
    "unsubscribing.stop",
    "webmentions.explain",
    "webmentions.take",
    "well_known.keys",
    "welcome.accept",
    "welcome.welcome",
}
OWNERS = {
    "accounts.remove",
    "accounts.rename",
    "adding.add",
    "adding.change",
    "adding.channels",
    "adding.form",
    "adding.login",
    "campaigns.add",
    "campaigns.change",
    "manners.keep",
}


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def routes(app: Flask, *kinds: Access) -> list[tuple[str, str, Access]]:
    """Method, path and access of each route of these kinds."""
    found = []
    with app.app_context():
        for rule in app.url_map.iter_rules():
            access = access_of(rule.endpoint)
            assert access is not None, f"{rule.endpoint} does not say who may use it"
            built = rule.build({name: ARGUMENTS[name] for name in rule.arguments})
            assert built is not None
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                if access in kinds:
                    found.append((method, built[1], access))
    return found


def test_p25_every_route_declares_who_may_use_it(app: Flask) -> None:
    with app.app_context():
        declared = {endpoint: access_of(endpoint) for endpoint in app.view_functions}
    undeclared = {endpoint for endpoint, access in declared.items() if access is None}
    assert undeclared == set()
    assert {name for name, access in declared.items() if access is Access.ALL} == OPEN
    assert {name for name, access in declared.items() if access is Access.OWNER} == OWNERS
    for endpoint, access in declared.items():
        if (
            endpoint.startswith(("personal.", "receipts.", "rights.", "correcting."))
            and endpoint not in OPEN
        ):
            assert access is Access.CONTRIBUTOR, endpoint


def test_p25_a_route_that_declares_nothing_is_closed(app: Flask, ledger: Ledger) -> None:
    app.add_url_rule("/desk/forgotten", "forgotten", lambda: "secret")
    for visitor in (Visitor(app), owner(app, ledger)):
        visitor.go("/desk/forgotten")
        assert visitor.status == 403
        assert "secret" not in visitor.page


def test_p25_strangers_get_nowhere(app: Flask, campaign: Campaign) -> None:
    closed = routes(app, Access.CONTRIBUTOR, Access.EDITOR, Access.OWNER)
    assert len(closed) > 40
    for method, path, access in closed:
        answered = Visitor(app).client.open(path, method=method)
        allowed = (404,) if access is Access.CONTRIBUTOR else (302, 403)
        assert answered.status_code in allowed, (method, path)
        if answered.status_code == 302:
            assert answered.headers["Location"] == "/desk/sign-in"


def test_p25_a_contributor_is_no_editor(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    question = asked(ledger, campaign, "hearing people out")
    who = contributor(app, ledger, question.request.contributor_id)
    for method, path, _ in routes(app, Access.EDITOR, Access.OWNER):
        assert who.client.open(path, method=method).status_code in (302, 403), (method, path)


def test_p25_an_editor_has_no_personal_page(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    editor = owner(app, ledger)
    for method, path, _ in routes(app, Access.CONTRIBUTOR):
        assert editor.client.open(path, method=method).status_code == 404, (method, path)


def test_p25_an_editor_is_no_owner(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    editor = owner(app, ledger)
    with ledger.write() as connection:
        connection.execute(update(editors).values(role="editor"))
    for method, path, _ in routes(app, Access.OWNER):
        assert editor.client.open(path, method=method).status_code == 403, (method, path)
    editor.go("/desk/campaigns")
    assert editor.status == 200
    assert "Begin" not in editor.page
    editor.press("/desk/campaigns", prompt="Courage is ___?")
    assert editor.status == 403


def test_p25_nobody_sees_what_another_said(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    first = asked(ledger, campaign, "hearing people out", address="a@sample.example")
    second = asked(ledger, campaign, "knowing when to be quiet", address="b@sample.example")
    ada = contributor(app, ledger, first.request.contributor_id)
    theirs = f"/me/{second.request.definition_id}"
    assert "knowing when to be quiet" not in ada.go("/me")
    assert "hearing people out" in ada.page
    for path in (theirs, f"{theirs}/receipt", f"{theirs}/receipt.json"):
        assert "knowing when to be quiet" not in ada.go(path)
        assert ada.status == 404
    ada.go(f"/me/{first.request.definition_id}")
    for decision in ("preview", "grant", "refuse", "propose", "withdraw"):
        ada.press(theirs, decision=decision, form="anonymous", words="mine")
        assert ada.status == 404
        ada.go(f"/me/{first.request.definition_id}")


def test_p25_a_session_ends_after_a_week_however_busy(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    editor = owner(app, ledger)
    ledger.clock.pass_time(days=6, hours=23)  # type: ignore[attr-defined]  # the test's clock
    editor.go("/desk")
    assert editor.at == "/desk"
    ledger.clock.pass_time(hours=2)  # type: ignore[attr-defined]
    editor.go("/desk")
    assert editor.at == "/desk/sign-in"
