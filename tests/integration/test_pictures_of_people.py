"""The picture of a profile: its owner chooses it, sees it first, binds it, and takes it back.

Given somebody whose profile shows a picture on a server of its own; when they look, tick, change
their mind or leave, then nothing is fetched or shown but what they wanted at that moment.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from zipfile import ZipFile

import frontmatter
import pytest
from flask import Flask
from sqlalchemy import func, select, update

from collector.picture import FETCHER, MOST_PIXELS, fetch_picture, made_small
from collector.poll import store_page
from collector.web_address import FetchError
from consent import decisions
from consent.credit import chosen_credit
from consent.requests import Wish, ask, draft
from consent.rights.erasing import erase
from ledger import events, tables
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.chain import Head
from ledger.consent_state import Grant, publishable
from ledger.contributors import contributor_key
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.heads import verify_chain
from ledger.keys import seal
from ledger.model import Campaign, Channel, Credit, IncomingReply, NameForm, Page, ReplyState, Use
from ledger.pictures import drop_ungranted, open_picture
from ledger.profile_pictures import note_profile_pictures, profile_picture
from ledger.replies import desk_replies
from publisher.publish import publish, publish_pending
from tests.conftest import SteppingClock
from tests.golden.audit import pictures_astray, violations
from tests.golden.sample_blog import grant, named, take, withdraw
from tests.people import EVIDENCE, define
from tests.pictures import picture_file, pictured
from tests.schemas import valid_receipt
from tests.servers.web_pages import Answer, WebPages
from tests.visiting import Visitor, application, choices, contributor

WORDS = "listening before you speak"
HANDLE = "@ada@social.example"
BOX = 'name="picture" value="yes"'


@pytest.fixture
def pages() -> Iterator[WebPages]:
    with WebPages() as running:
        yield running


def show(pages: WebPages, path: str, content: bytes, kind: str = "image/png") -> str:
    return pages.put_answer(path, Answer(headers=(("Content-Type", kind),), pieces=(content,)))


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    near = replace(FETCHER, allow_private=True)
    return application(ledger, fetch=partial(fetch_picture, fetcher=near))


@dataclass
class Ada:
    """Somebody who answered on Mastodon and was asked, in front of their own page."""

    ledger: Ledger
    visitor: Visitor
    contributor_id: str
    definition_id: str

    @property
    def path(self) -> str:
        return f"/me/{self.definition_id}"

    def press(self, decision: str, path: str = "", **fields: str) -> str:
        return self.visitor.press(path or self.path, **choices(decision=decision, **fields))

    @property
    def grant(self) -> Grant | None:
        with self.ledger.read() as connection:
            return events.state_of(connection, self.ledger.keys, self.definition_id).grant

    @property
    def picture(self) -> str:
        assert self.grant is not None
        return self.grant.credit.picture


@pytest.fixture
def ada(app: Flask, ledger: Ledger, campaign: Campaign, pages: WebPages) -> Ada:
    return asked(app, ledger, campaign, show(pages, "/ada.png", picture_file()))


def asked(app: Flask, ledger: Ledger, campaign: Campaign, url: str) -> Ada:
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.MASTODON, "us", campaign.id)
    said = IncomingReply("109", HANDLE, WORDS, "Ada Sample", author_picture=url)
    store_page(ledger, account, Page((said,), "1"))
    with ledger.read() as connection:
        (reply,) = desk_replies(connection, campaign.id, ReplyState.NEW)
    definition = define(ledger, reply)
    ask(ledger, definition.id, asked_by="Robin")
    who = contributor(app, ledger, definition.contributor_id)
    who.go(f"/me/{definition.id}")
    return Ada(ledger, who, definition.contributor_id, definition.id)


def rows(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.pictures)).scalar_one()


def on_site(ledger: Ledger) -> list[str]:
    return sorted(path.name for path in ledger.settings.site_folder.glob("pictures/*"))


# --------------------------------------------------------------------- choosing it
def test_looking_fetches_nothing_and_ticks_nothing(ada: Ada, pages: WebPages) -> None:
    assert BOX in ada.visitor.page
    assert f"{BOX} checked" not in ada.visitor.page
    ada.press("preview")
    ada.press("grant")
    assert ada.grant is not None
    assert ada.picture == ""
    assert pages.accepted == 0


def test_where_no_picture_is_known_none_is_asked_about(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    who = asked(app, ledger, campaign, "")
    assert "I want to be named by" in who.visitor.page
    assert BOX not in who.visitor.page


def test_whoever_ticks_it_sees_it_from_us_and_allows_what_they_saw(
    ada: Ada, ledger: Ledger, pages: WebPages
) -> None:
    ada.press("grant", picture="yes")
    assert ada.grant is None, "it is shown first"
    assert "look once more" in ada.visitor.page
    assert f"{BOX} checked" in ada.visitor.page
    shown = json.loads(ada.visitor.hidden["shown_credit"])["picture"]
    assert f'src="/me/pictures/{shown}.jpg" alt="Profile picture of Ada Sample"' in ada.visitor.page
    assert pages.base not in ada.visitor.page
    ada.press("grant", picture="yes")
    assert ada.picture == shown
    assert pages.accepted == 1, "fetched once for all of it"
    assert pages.seen[0].headers["User-Agent"].startswith("Definedby (profile picture")

    seen = ada.visitor.client.get(f"/me/pictures/{shown}.jpg")
    assert (seen.status_code, seen.mimetype) == (200, "image/jpeg")
    assert seen.headers["Cache-Control"] == "no-store"
    assert seen.headers["Referrer-Policy"] == "no-referrer"
    assert hashlib.sha256(seen.data).hexdigest() == shown
    assert seen.data == made_small(picture_file())
    assert valid_receipt(ledger, ada.definition_id)["credit"]["picture"] == shown
    ada.visitor.go(f"{ada.path}/receipt")
    assert f"/me/pictures/{shown}.jpg" in ada.visitor.page


def test_the_preview_of_the_script_has_it_and_says_so(ada: Ada) -> None:
    answer = ada.visitor.client.post(
        f"{ada.path}/look",
        data={**ada.visitor.hidden, **choices(picture="yes")},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    found = answer.get_json()
    assert found["said"] == "Ada Sample. With your picture."
    assert "/me/pictures/" in found["preview"]
    assert len(json.loads(found["shown_credit"])["picture"]) == 64


def test_p25_nobody_else_sees_it(ada: Ada, app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    ada.press("preview", picture="yes")
    shown = json.loads(ada.visitor.hidden["shown_credit"])["picture"]
    other = take(ledger, campaign, "asking first")
    bo = contributor(app, ledger, other.contributor_id)
    assert bo.client.get(f"/me/pictures/{shown}.jpg").status_code == 404
    assert Visitor(app).client.get(f"/me/pictures/{shown}.jpg").status_code == 404
    assert ada.visitor.client.get(f"/me/pictures/{'0' * 64}.jpg").status_code == 404


def test_somebody_anonymous_has_no_picture(ada: Ada, pages: WebPages) -> None:
    ada.press("preview", picture="yes", form="anonymous")
    ada.press("grant", picture="yes", form="anonymous")
    assert ada.grant is not None
    assert ada.picture == ""
    assert pages.accepted == 0


def test_a_credit_without_a_name_keeps_no_picture() -> None:
    assert chosen_credit("anonymous", name="Ada", picture="0" * 64).picture == ""
    assert chosen_credit("pseudonym", name="Marlo", picture="0" * 64).picture == "0" * 64


def test_whatever_a_record_says_somebody_anonymous_is_shown_without_a_picture(
    ledger: Ledger, campaign: Campaign
) -> None:
    one = take(ledger, campaign, "asking first")
    grant(ledger, one, pictured(ledger, one, Credit(NameForm.ANONYMOUS)))
    assert publish(ledger).posts == 1
    assert on_site(ledger) == []
    assert pictures_astray(ledger) == []


def test_a_name_that_is_none_of_theirs_binds_nothing(
    ada: Ada, ledger: Ledger, campaign: Campaign
) -> None:
    """A form can say anything: neither a hash that nobody has nor somebody else's gets through."""
    other = pictured(ledger, take(ledger, campaign, "asking first"), named("Bo"), "red").picture
    for claimed in ("0" * 64, other):
        stated = {**Credit(NameForm.NAME, name="Ada Sample").as_dict(), "picture": claimed}
        ada.press("grant", picture="yes", shown_credit=json.dumps(stated))
        assert ada.grant is None
        credit = Credit(NameForm.NAME, name="Ada Sample", picture=claimed)
        with ledger.read() as connection:
            request = events.state_of(connection, ledger.keys, ada.definition_id).request
        assert request is not None
        with pytest.raises(DefinedbyError, match="missing or was changed"):
            decisions.grant(
                ledger,
                request.id,
                text=WORDS,
                credit=credit,
                uses=frozenset({Use.POST}),
                evidence=EVIDENCE,
            )
        assert ada.grant is None
    with pytest.raises(ValueError, match="SHA-256"):
        Credit(NameForm.NAME, name="Ada", picture="../../etc/passwd")


@pytest.mark.parametrize("trouble", ["gone", "html", "bomb", "large"])
def test_a_picture_that_cant_be_had_says_so_and_loses_nothing(
    ada: Ada, pages: WebPages, clock: SteppingClock, trouble: str
) -> None:
    bad = {
        "gone": Answer(404),
        "html": Answer(pieces=(picture_file(),)),
        "bomb": Answer(
            headers=(("Content-Type", "image/png"),),
            pieces=(picture_file(size=(4000, MOST_PIXELS // 4000 + 1)),),
        ),
        "large": Answer(headers=(("Content-Type", "image/png"),), pieces=(b"x" * 1_100_000,)),
    }
    pages.put_answer("/ada.png", bad[trouble])
    ada.press("grant", picture="yes", role="gardener")
    assert ada.visitor.status == 400
    assert "The picture of your profile could not be had." in ada.visitor.page
    assert 'value="gardener"' in ada.visitor.page
    assert f"{BOX} checked" in ada.visitor.page
    came = pages.accepted
    ada.press("preview", picture="yes")
    assert (ada.visitor.status, pages.accepted) == (400, came), "not again within a minute"
    show(pages, "/ada.png", picture_file())
    clock.pass_time(seconds=61)
    ada.press("preview", picture="yes")
    assert ada.visitor.status == 200
    assert "/me/pictures/" in ada.visitor.page


def test_p30_a_private_address_is_never_asked(
    ledger: Ledger, campaign: Campaign, pages: WebPages
) -> None:
    """By the rules as they are shipped: this machine is as private as can be."""
    url = show(pages, "/ada.png", picture_file())
    who = asked(application(ledger), ledger, campaign, url)
    who.press("preview", picture="yes")
    assert "could not be had" in who.visitor.page
    assert pages.accepted == 0
    with pytest.raises(FetchError):
        fetch_picture(url)
    assert pages.accepted == 0


def test_the_newest_address_counts_and_odd_ones_are_left_aside(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    whose = take(ledger, campaign, "asking first", author=HANDLE, channel=Channel.MASTODON)
    for url in ("", "ftp://x.example/a", "https://x.example/\n", "https://x.example/" + "a" * 2000):
        with ledger.write() as connection:
            note_profile_pictures(connection, Channel.MASTODON, [(HANDLE, url)], clock())
            assert profile_picture(connection, whose.contributor_id) == ""
    for number in (1, 2, 2):
        url = f"https://x.example/{number}.png"
        with ledger.write() as connection:
            note_profile_pictures(connection, Channel.MASTODON, [(HANDLE, url)] * 2, clock())
            assert profile_picture(connection, whose.contributor_id) == url


# --------------------------------------------------------------------- showing it
def test_p01_the_blog_shows_it_wherever_it_shows_the_words(ada: Ada, ledger: Ledger) -> None:
    ada.press("preview", picture="yes")
    ada.press("grant", picture="yes")
    publish(ledger)
    site, name = ledger.settings.site_folder, ada.picture
    assert (site / "pictures" / f"{name}.jpg").read_bytes() == made_small(picture_file())
    img = (
        f'<img class="u-photo face" src="/pictures/{name}.jpg" alt="Profile picture of Ada Sample"'
    )
    kinds = {
        path.relative_to(site).parts[0] for path in site.rglob("*.html") if img in path.read_text()
    }
    assert kinds == {"index.html", "people", "thought-leadership"}
    (post,) = site.glob("thought-leadership/listening*/index.html")
    assert (
        f'/pictures/{name}.jpg"'
        in post.read_text().partition("ld+json")[2].partition("</script>")[0]
    )
    for feed in site.rglob("feed.xml"):
        assert "pictures" not in feed.read_text()
    (composed,) = (ledger.settings.content / "posts").rglob("*.md")
    assert frontmatter.load(composed)["credit"]["picture"] == f"/pictures/{name}.jpg"
    assert (violations(ledger), pictures_astray(ledger)) == ([], [])
    served = Visitor(ada.visitor.client.application).client.get(
        f"/pictures/{name}.jpg", buffered=True
    )
    assert served.mimetype == "image/jpeg"
    assert "no-cache" in served.headers["Cache-Control"], "what is taken back is in no cache"


def test_p02_another_picture_needs_another_grant(
    ada: Ada, ledger: Ledger, pages: WebPages, clock: SteppingClock
) -> None:
    ada.press("preview", picture="yes")
    ada.press("grant", picture="yes")
    publish(ledger)
    first, held = ada.picture, ada.grant
    assert held is not None
    with ledger.read() as connection:
        past = events.history(connection, ledger.keys, ada.definition_id)
    for other in ("", "0" * 64, first[:-1] + ("0" if first[-1] != "0" else "1")):
        changed = replace(held.credit, picture=other)
        assert isinstance(publishable(past, WORDS, changed, Use.POST), str)

    show(pages, "/ada.png", picture_file("red"))
    path = f"{ada.path}/correct"
    ada.visitor.go(path)
    assert f"{BOX} checked" in ada.visitor.page, "as they had it"
    ada.press("preview", path, picture="yes", role="gardener")
    assert f"/me/pictures/{first}.jpg" in ada.visitor.page, "it stays the one they saw"
    ada.press("preview", path, role="gardener")
    clock.pass_time(hours=2)
    ada.press("preview", path, picture="yes", role="gardener")
    ada.press("grant", path, picture="yes", role="gardener")
    second = ada.picture
    assert second not in {"", first}
    publish_pending(ledger)
    assert on_site(ledger) == [f"{second}.jpg"]
    assert (violations(ledger), pictures_astray(ledger)) == ([], [])
    assert isinstance(verify_chain(ledger), Head)


@pytest.mark.parametrize("way", ["withdraw", "correct", "erase"])
def test_p05_it_leaves_with_the_words_and_with_the_wish(ada: Ada, ledger: Ledger, way: str) -> None:
    ada.press("preview", picture="yes")
    ada.press("grant", picture="yes")
    publish(ledger)
    name = ada.picture
    if way == "withdraw":
        ada.press("withdraw")
    elif way == "correct":
        ada.visitor.go(f"{ada.path}/correct")
        ada.press("preview", f"{ada.path}/correct")
        ada.press("grant", f"{ada.path}/correct")
    else:
        erase(ledger, ada.contributor_id, {"channel": "command", "quoted": "by telephone"})
        assert rows(ledger) == 0
    publish_pending(ledger)
    assert on_site(ledger) == []
    assert not (ledger.settings.site_folder / "pictures").exists()
    for folder in (ledger.settings.site_folder, ledger.settings.content):
        for path in folder.rglob("*.*"):
            assert name.encode() not in (path.read_bytes() if path.is_file() else b"")
    with ledger.read() as connection:
        left = connection.execute(
            select(tables.outputs.c.path).where(tables.outputs.c.path.contains("picture"))
        ).all()
    assert left == []


def test_p05_two_who_show_the_same_keep_it_until_both_are_gone(
    ledger: Ledger, campaign: Campaign
) -> None:
    both = [take(ledger, campaign, f"answer {number}") for number in range(2)]
    for number, one in enumerate(both):
        grant(ledger, one, pictured(ledger, one, named(f"Person {number}")))
    publish(ledger)
    assert len(on_site(ledger)) == 1
    for left, one in ((1, both[0]), (0, both[1])):
        withdraw(ledger, one)
        publish_pending(ledger)
        assert len(on_site(ledger)) == left
        assert pictures_astray(ledger) == []
    publish(ledger, full=True)
    assert on_site(ledger) == []


def test_a_whole_build_makes_the_same_site(ledger: Ledger, campaign: Campaign) -> None:
    for number, colour in enumerate(("red", "teal", "")):
        one = take(ledger, campaign, f"answer {number}")
        credit = named(f"Person {number}")
        grant(ledger, one, pictured(ledger, one, credit, colour) if colour else credit)
        publish(ledger)
    before = {
        name: (ledger.settings.site_folder / "pictures" / name).read_bytes()
        for name in on_site(ledger)
    }
    assert len(before) == 2
    report = publish(ledger, full=True)
    assert (report.written, report.removed) == (0, 0)
    (ledger.settings.site_folder / "pictures" / next(iter(before))).unlink()
    publish(ledger, full=True)
    assert before == {
        name: (ledger.settings.site_folder / "pictures" / name).read_bytes() for name in before
    }
    assert pictures_astray(ledger) == []


@pytest.mark.parametrize("damage", ["missing", "other", "flipped"])
def test_p02_a_picture_that_is_not_the_one_granted_is_never_shown(
    ledger: Ledger, campaign: Campaign, damage: str
) -> None:
    one, other = take(ledger, campaign, "answer one"), take(ledger, campaign, "answer two")
    credit = pictured(ledger, one, named("Ada"))
    with ledger.write() as connection:
        sealed = connection.execute(select(tables.pictures.c.sealed_picture)).scalar_one()
        if damage == "missing":
            connection.execute(tables.pictures.delete())
        elif damage == "flipped":
            flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
            connection.execute(update(tables.pictures).values(sealed_picture=flipped))
        elif damage == "other":  # by somebody who has the keys
            key = contributor_key(connection, ledger.keys, one.contributor_id)
            red = seal(key, made_small(picture_file("red")), bound_to=credit.picture.encode())
            connection.execute(update(tables.pictures).values(sealed_picture=red))
    grant(ledger, one, credit)
    grant(ledger, other, named("Bo"))
    report = publish(ledger)
    (refused,) = report.refused
    assert "missing or was changed" in refused.sentence
    assert (report.posts, on_site(ledger)) == (1, [])
    assert (violations(ledger), pictures_astray(ledger)) == ([], [])


def test_one_with_a_picture_writes_one_file_more_than_one_without(
    ledger: Ledger, campaign: Campaign
) -> None:
    for number in range(2):
        grant(ledger, take(ledger, campaign, f"answer {number}"), named(f"Person {number}"))
        publish(ledger)
    written = []
    for number in (2, 3):
        one = take(ledger, campaign, f"answer {number}")
        credit = named(f"Person {number}")
        grant(ledger, one, pictured(ledger, one, credit) if number == 3 else credit)
        report = publish_pending(ledger)
        assert report is not None
        written.append(report.written)
    assert written[1] == written[0] + 1 <= 10


# --------------------------------------------------------------------- keeping it
def test_what_no_grant_binds_goes_within_a_day(
    ada: Ada, ledger: Ledger, clock: SteppingClock
) -> None:
    ada.press("preview", picture="yes")
    assert rows(ledger) == 1
    assert drop_ungranted(ledger) == 0
    clock.pass_time(hours=25)
    assert drop_ungranted(ledger) == 1
    assert rows(ledger) == 0
    ada.press("grant", picture="yes")
    assert ada.grant is not None, "the page was open overnight: the same picture is fetched again"
    clock.pass_time(hours=25)
    assert drop_ungranted(ledger) == 0
    ada.press("withdraw")
    assert drop_ungranted(ledger) == 1


def test_p34_the_export_has_the_file_and_where_it_came_from(ada: Ada, pages: WebPages) -> None:
    ada.press("preview", picture="yes")
    ada.press("grant", picture="yes")
    name = ada.picture
    ada.visitor.go("/me/export")
    assert ada.visitor.answer is not None
    with ZipFile(io.BytesIO(ada.visitor.answer.get_data())) as archive:
        assert archive.read(f"pictures/{name}.jpg") == made_small(picture_file())
        held = json.loads(archive.read("everything.json"))["held"]
    (kept,), (known,) = held["pictures"], held["profile_pictures"]
    assert (kept["picture"], kept["url"]) == (f"pictures/{name}.jpg", f"{pages.base}/ada.png")
    assert (known["address"], known["url"]) == (HANDLE, kept["url"])


def test_p35_it_is_sealed_under_its_owners_key(any_ledger: Ledger) -> None:
    ledger = any_ledger
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Courage is ___?")
    one = take(ledger, campaign, "asking first")
    credit = pictured(ledger, one, named("Ada"))
    grant(ledger, one, credit)
    publish(ledger)
    assert on_site(ledger) == [f"{credit.picture}.jpg"]
    content = made_small(picture_file())
    with ledger.read() as connection:
        whose, name = one.contributor_id, credit.picture
        assert open_picture(connection, ledger.keys, whose, name) == content
        sealed = connection.execute(select(tables.pictures.c.sealed_picture)).scalar_one()
        assert content[20:60] not in bytes(sealed)
    erase(ledger, one.contributor_id, {"channel": "command", "quoted": "by telephone"})
    publish_pending(ledger)
    assert (rows(ledger), on_site(ledger)) == (0, [])


def test_a_question_never_carries_a_picture(ledger: Ledger, campaign: Campaign) -> None:
    """A message shows none, so no yes in words can bind one."""
    one = take(ledger, campaign, "asking first")
    credit = pictured(ledger, one, named("Ada"))
    assert draft(ledger, one.id, Wish(credit=credit)) is not None
    request = ask(ledger, one.id, asked_by="Robin", credit=credit).request
    assert request.credit == named("Ada")
