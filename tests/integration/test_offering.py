"""Answer, preview, credit, agree, receipt: all in one visit, and nothing past the editor."""

from __future__ import annotations

import pytest
from flask import Flask

from consent.decisions import withdraw
from consent.why import why
from ledger import gate
from ledger.database import Ledger
from ledger.definitions import definitions_in
from ledger.events import full_history, state_of
from ledger.model import Campaign, NameForm, ReplyState, Use
from ledger.posts import find_post
from ledger.replies import desk_replies
from publisher.publish import publish_pending
from tests.people import EVIDENCE, answer
from tests.schemas import valid_receipt
from tests.visiting import Visitor, application, choices, owner

WORDS = "listening before you speak"
PATH = "/me/answers/1"


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def answered(app: Flask, campaign: Campaign, words: str = WORDS) -> Visitor:
    visitor = Visitor(app)
    visitor.go(f"/answer/{campaign.slug}")
    visitor.press(f"/answer/{campaign.slug}", text=words)
    visitor.press(f"/answer/{campaign.slug}/send", text=words, name="Ada Sample", email="")
    assert "Would you like to decide now?" in visitor.page
    return visitor


def allowed(app: Flask, ledger: Ledger, campaign: Campaign) -> tuple[Visitor, str]:
    """Somebody who has answered and allowed it at once; and the definition's id."""
    visitor = answered(app, campaign)
    visitor.go(PATH)
    visitor.press(PATH, decision="grant", **choices(uses="edition"))
    with ledger.read() as connection:
        (definition,) = definitions_in(connection, campaign.id)
    return visitor, definition.id


def on_the_blog(ledger: Ledger, words: str = WORDS) -> bool:
    publish_pending(ledger)
    files = ledger.settings.site.rglob("*.html")
    return any(words in file.read_text(encoding="utf-8") for file in files)


def test_one_visit_from_the_answer_to_the_receipt(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    visitor = answered(app, campaign)
    assert "It would look" not in visitor.page
    page = visitor.go(PATH)
    assert "it would look exactly like this" in page
    assert WORDS in page
    assert page.count('name="uses"') == len(Use) - 1
    assert 'name="uses" value="edition" checked' not in page

    visitor.press(PATH, decision="grant", **choices(form="pseudonym", name="Marlo Quill"))
    assert "Please look once more and confirm." in visitor.page, "another credit is shown first"
    with ledger.read() as connection:
        assert definitions_in(connection, campaign.id) == [], "and nothing is kept by looking"
    visitor.press(PATH, decision="grant", **choices(form="pseudonym", name="Marlo Quill"))
    with ledger.read() as connection:
        (definition,) = definitions_in(connection, campaign.id)
        grant = state_of(connection, ledger.keys, definition.id).grant
        history = full_history(connection, ledger.keys, definition.id)
    assert visitor.at == f"/me/{definition.id}"
    assert "Thank you. You said yes" in visitor.page
    assert "reads it first" in visitor.page
    assert grant is not None
    assert (grant.text, grant.credit.form, grant.uses) == (
        WORDS, NameForm.PSEUDONYM, {Use.POST},
    )  # fmt: skip
    (asked, _), (_, evidence) = history
    assert (asked.text, asked.credit) == (WORDS, grant.credit), "what was on the screen"
    assert evidence["page"] == "offer-1"
    assert "You decided without being asked" in visitor.go(f"/me/{definition.id}/receipt")
    assert valid_receipt(ledger, definition.id)["status"] == "given"


def test_p01_it_appears_when_an_editor_has_chosen_it_and_not_before(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    visitor, definition_id = allowed(app, ledger, campaign)
    assert not on_the_blog(ledger)
    with ledger.read() as connection:
        grant = state_of(connection, ledger.keys, definition_id).grant
        assert grant is not None
        told = gate.may_publish(
            connection, ledger.keys, definition_id, grant.text, grant.credit, Use.POST
        )
    assert told == gate.UNCHOSEN
    editor = owner(app, ledger)
    assert "Its author allows this already." in editor.go("/desk")
    assert "Choose it" in editor.go(f"/desk/definitions/{definition_id}")
    editor.go("/desk")
    editor.press("/desk/replies", do="shortlist:1")
    assert on_the_blog(ledger)
    with ledger.read() as connection:
        post = find_post(connection, definition_id)
    assert post is not None
    assert why(ledger, post.address)[0]["status"] == "granted"
    visitor.go(f"/me/{definition_id}")
    visitor.press(f"/me/{definition_id}", decision="withdraw")
    assert not on_the_blog(ledger)


def test_an_editor_may_choose_it_on_its_page(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    _, definition_id = allowed(app, ledger, campaign)
    editor = owner(app, ledger)
    editor.go(f"/desk/definitions/{definition_id}")
    editor.press(f"/desk/definitions/{definition_id}/release")
    assert on_the_blog(ledger)
    with ledger.read() as connection:
        assert len(desk_replies(connection, campaign.id, ReplyState.SHORTLISTED)) == 1


def test_what_was_taken_back_before_it_was_chosen_never_appears(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    _, definition_id = allowed(app, ledger, campaign)
    withdraw(ledger, definition_id, EVIDENCE)
    editor = owner(app, ledger)
    editor.go("/desk")
    editor.press("/desk/replies", do="shortlist:1")
    assert not on_the_blog(ledger)


def test_p25_only_its_own_author_may_offer_an_answer_and_only_once(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    first = answered(app, campaign)
    second = answered(app, campaign, "asking first")
    imported = answer(ledger, campaign, "somebody else's")
    for path in ("/me/answers/2", f"/me/answers/{imported.id}", "/me/answers/99"):
        first.go(path)
        assert first.status == 404
        for action in (path, f"{path}/look"):
            first.go(PATH)
            first.press(action, decision="grant", **choices())
            assert first.status == 404
    with ledger.read() as connection:
        assert definitions_in(connection, campaign.id) == []
    second.go("/me/answers/2")
    second.press("/me/answers/2", decision="grant", **choices(shown_text="other words"))
    assert "Please look once more" in second.page
    second.press("/me/answers/2", decision="grant", **choices())
    second.press("/me/answers/2", decision="grant", **choices())
    assert second.status == 404, "it is a definition now, with a page of its own"
    with ledger.read() as connection:
        assert len(definitions_in(connection, campaign.id)) == 1
