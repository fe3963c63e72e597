"""`definedby demo`: made whole by the real command, looked at through the real application."""

from __future__ import annotations

import html
import re
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from consent.requests import expire_overdue, fresh_link
from ledger.campaigns import need_campaign
from ledger.chain import Break
from ledger.consent_state import ConsentState, EventKind
from ledger.contributors import has_stopped_contact
from ledger.database import Ledger, open_ledger
from ledger.definitions import definitions_in, slug_of
from ledger.editions import editions_in
from ledger.editors import invite_owner
from ledger.errors import DefinedbyError
from ledger.events import head, state_of
from ledger.heads import verify_chain
from ledger.jobs import JobKind, open_jobs
from ledger.model import Definition, NameForm, ReplyKind, ReplyState
from ledger.posts import live_posts
from ledger.replies import count_by_state, desk_replies
from ledger.settings import load_settings
from tests.commands import Instance, Process
from tests.servers.mail import free_ports
from web.application import create_application
from web.demo import place
from web.demo.cli import demo

NUMBERS = {"Fourteen": 14}
BANNER = "A demonstration: these people and their words are made up."
HOSTILE = "<script>alert("


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def instance(folder: Path) -> Instance:
    """The command in an environment that names a real instance in every way it can."""
    real = folder / "real"
    return Instance(
        real,
        {
            "DEFINEDBY_DATABASE_URL": f"sqlite:///{real / 'real.sqlite'}",
            "DEFINEDBY_SITE": str(real / "site"),
            "DEFINEDBY_BASE_URL": "https://real.example",
            "DEFINEDBY_TITLE": "A real blog",
            "DEFINEDBY_DEMO": "false",
        },
    )


@pytest.fixture(scope="module")
def home(folder: Path, instance: Instance) -> Path:
    made = folder / "demo"
    instance.run("demo", "--no-serve", "--home", str(made))
    return made


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    opened = open_ledger(load_settings({}, home=home))
    yield opened
    opened.close()


@pytest.fixture
def client(ledger: Ledger) -> FlaskClient:
    return create_application(ledger).test_client()


def standings(ledger: Ledger) -> list[tuple[Definition, ConsentState]]:
    with ledger.read() as connection:
        known = definitions_in(connection, need_campaign(connection, "").id)
        return [(one, state_of(connection, ledger.keys, one.id)) for one in known]


def pages(home: Path) -> list[Path]:
    return sorted((home / "site").rglob("*.html"))


def path_of(address: str) -> str:
    return "/" + address.split("/", 3)[3]


# --------------------------------------------------------------------- what is in it
def test_every_state_of_an_answer_is_there(ledger: Ledger) -> None:
    with ledger.read() as connection:
        campaign = need_campaign(connection, "")
        states = count_by_state(connection, campaign.id)
        replies = [
            reply
            for state in ReplyState
            for reply in desk_replies(connection, campaign.id, state, limit=100)
        ]
    assert states == {"new": 9, "shortlisted": 28, "set_aside": 5}
    kinds = Counter(reply.reading.kind for reply in replies)
    assert kinds[ReplyKind.QUESTION] == kinds[ReplyKind.STOP] == kinds[ReplyKind.SPAM] == 1
    assert kinds[ReplyKind.THANKS] == 2
    assert [reply.handle.name for reply in replies if reply.automatic] == ["Sunniva Brekkmoen"]
    assert {reply.channel for reply in replies} == {"form", "import"}


def test_every_answer_to_a_question_for_consent_is_there(ledger: Ledger) -> None:
    known = standings(ledger)
    last = Counter(state.last for _, state in known)
    assert last == {
        EventKind.PUBLISHED: 15,
        EventKind.RETRACTED: 2,
        EventKind.REQUESTED: 3,
        EventKind.REFUSED: 2,
        EventKind.PROPOSED: 1,
        None: 5,
    }
    grants = [state.grant for _, state in known if state.grant]
    assert len(grants) == 15
    assert {grant.credit.form for grant in grants} == set(NameForm)
    for part in ("url", "role", "organisation", "handle"):
        assert any(getattr(grant.credit, part) for grant in grants)
    assert {one.lang for one, state in known if state.grant} == {"en", "de", "fr"}


def test_its_three_weeks_end_now_and_nothing_is_left_to_do(ledger: Ledger) -> None:
    now = ledger.clock()
    with ledger.read() as connection:
        campaign = need_campaign(connection, "")
        assert open_jobs(connection, JobKind.PUBLISH, now) == []
        when = [
            reply.written_at or reply.received_at
            for state in ReplyState
            for reply in desk_replies(connection, campaign.id, state, limit=100)
        ]
    days = [(now - moment).total_seconds() / 86400 for moment in when]
    assert 20 < max(days) < 22
    assert 0 < min(days) < 1
    assert expire_overdue(ledger) == 0


def test_whoever_said_stop_is_left_alone(ledger: Ledger) -> None:
    with ledger.read() as connection:
        campaign = need_campaign(connection, "")
        aside = desk_replies(connection, campaign.id, ReplyState.SET_ASIDE)
        [said_stop] = [reply for reply in aside if reply.reading.kind is ReplyKind.STOP]
        assert has_stopped_contact(connection, said_stop.handle.contributor_id)


def test_the_record_holds(ledger: Ledger) -> None:
    found = verify_chain(ledger, [])
    assert not isinstance(found, Break)
    assert found.seq > 50


# ------------------------------------------------------------------- what readers see
def test_the_edition_holds_as_many_as_its_title_says(ledger: Ledger, client: FlaskClient) -> None:
    with ledger.read() as connection:
        campaign = need_campaign(connection, "")
        draft, public = editions_in(connection, campaign.id)
        [post] = live_posts(connection, "edition")
    assert draft.published_at is None
    assert len(draft.definition_ids) >= 3
    with client.get(post.address) as answer:
        page = answer.text
    count = NUMBERS[public.title.partition(" ")[0]]
    assert len(re.findall(r"<blockquote class=\"e-content", page)) == count
    assert f"{count} answers" in page


def test_a_draft_is_nowhere_on_the_blog(ledger: Ledger, home: Path) -> None:
    with ledger.read() as connection:
        draft, _ = editions_in(connection, need_campaign(connection, "").id)
    assert all(draft.title not in page.read_text(encoding="utf-8") for page in pages(home))


def test_what_was_taken_back_answers_410_and_the_rest_stands(
    ledger: Ledger, client: FlaskClient, home: Path
) -> None:
    answers: Counter[int] = Counter()
    for definition, state in standings(ledger):
        address = f"/thought-leadership/{slug_of(definition.text)}-{definition.id[:8]}/"
        with client.get(address) as answer:
            status = answer.status_code
        answers[status] += 1
        assert status == (200 if state.grant else 410 if state.last == "retracted" else 404)
        if state.last == EventKind.RETRACTED:
            words = html.escape(definition.text, quote=False)
            assert all(words not in page.read_text(encoding="utf-8") for page in pages(home))
    assert answers == {200: 15, 410: 2, 404: 11}


def test_every_page_of_the_blog_says_that_it_is_made_up(home: Path) -> None:
    built = pages(home)
    assert len(built) > 20
    assert [page for page in built if BANNER not in page.read_text(encoding="utf-8")] == []


def test_hostile_words_are_shown_as_text(ledger: Ledger, client: FlaskClient, home: Path) -> None:
    sign_in(ledger, client)
    inbox = client.get("/desk").text
    assert HOSTILE not in inbox
    assert "&lt;script&gt;alert(" in inbox
    for file in (home / "site").rglob("*"):
        assert file.is_dir() or HOSTILE.encode() not in file.read_bytes()


def test_every_page_of_a_contributor_says_that_it_is_made_up(
    ledger: Ledger, client: FlaskClient
) -> None:
    definition, _ = standings(ledger)[0]
    assert client.get(path_of(fresh_link(ledger, definition.contributor_id))).status_code == 303
    for address in ("/me", f"/me/{definition.id}", f"/me/{definition.id}/receipt"):
        check_banner(client, address)
    check_banner(client, "/answer/thought-leadership")


def test_every_page_of_the_desk_says_that_it_is_made_up(
    ledger: Ledger, client: FlaskClient
) -> None:
    check_banner(client, path_of(invite_owner(ledger)))
    check_banner(client, "/desk/sign-in")
    sign_in(ledger, client)
    with ledger.read() as connection:
        edition = editions_in(connection, need_campaign(connection, "").id)[0]
    check_banner(client, "/desk?state=shortlisted")
    check_banner(client, f"/desk/editions/{edition.id}")
    for page in ("", "/definitions", "/editions", "/outbox", "/accounts", "/campaigns"):
        check_banner(client, f"/desk{page}")
    for definition, _ in standings(ledger):
        check_banner(client, f"/desk/definitions/{definition.id}")


def check_banner(client: FlaskClient, address: str) -> None:
    shown = client.get(address)
    assert shown.status_code == 200, address
    assert BANNER in shown.text, address


def sign_in(ledger: Ledger, client: FlaskClient) -> None:
    """Become the owner by a link like the one that the command prints."""
    link = path_of(invite_owner(ledger))
    page = client.get(link).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    filled_in = {
        "csrf_token": found[1],
        "email": "robin@theblank.example",
        "name": "Robin",
        "password": "copper lantern seven weather",
    }
    assert client.post(link, data=filled_in).status_code == 303


# ------------------------------------------------------------------ making and serving
def test_a_real_instance_named_in_the_environment_is_left_alone(
    home: Path, instance: Instance
) -> None:
    assert not instance.home.exists()
    told = (home / "site" / "sitemap.xml").read_text(encoding="utf-8")
    assert "real.example" not in told


def test_a_second_start_repeats_nothing(home: Path, instance: Instance) -> None:
    def everything() -> dict[str, bytes]:
        files = (path for path in home.rglob("*") if path.is_file())
        return {str(p): p.read_bytes() for p in files if "sqlite" not in p.name}

    def length() -> int:
        opened = open_ledger(load_settings({}, home=home))
        try:
            with opened.read() as connection:
                return head(connection).seq
        finally:
            opened.close()

    before = everything(), length()
    told = instance.run("demo", "--no-serve", "--home", str(home))
    assert "Making" not in told.stdout
    assert (everything(), length()) == before


def test_one_that_was_killed_half_made_is_made_again_and_served(
    tmp_path: Path, instance: Instance
) -> None:
    home, log = tmp_path / "demo", tmp_path / "log"
    killed = instance.start("demo", "--no-serve", "--home", str(home), log=log)
    wait_for(killed, log, lambda: (home / "imports" / "letters.mbox").exists())
    killed.kill()
    killed.wait()
    assert not place.is_complete(home)
    left_over = home / "content" / "left-over.md"
    left_over.parent.mkdir(exist_ok=True)
    left_over.write_text("half", encoding="utf-8")

    [port] = free_ports(1)
    own = Instance(instance.home, {**instance.environment, "DEFINEDBY_PORT": str(port)})
    process = own.start("demo", "--home", str(home), log=log)
    try:
        welcome = re.compile(rf"http://127\.0\.0\.1:{port}/welcome/\S+")
        wait_for(process, log, lambda: welcome.search(log.read_text(encoding="utf-8")))
        [link] = welcome.findall(log.read_text(encoding="utf-8"))
        for address in (f"http://127.0.0.1:{port}/", link):
            assert BANNER in fetch(address)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.terminate()
        process.wait()
    assert place.is_complete(home)
    assert not left_over.exists()
    opened = open_ledger(load_settings({}, home=home))
    try:
        assert len(standings(opened)) == 28
        assert not isinstance(verify_chain(opened, []), Break)
    finally:
        opened.close()


def wait_for(process: Process, log: Path, happens: Callable[[], object]) -> None:
    until = time.monotonic() + 120
    while not happens():
        told = log.read_text(encoding="utf-8")
        assert process.poll() is None, told
        assert time.monotonic() < until, told
        time.sleep(0.01)


def fetch(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=30) as answer:
        return str(answer.read().decode())


# -------------------------------------------------------------------------- removing
def refused(*arguments: str) -> str:
    error = CliRunner().invoke(demo, arguments).exception
    assert isinstance(error, DefinedbyError)
    return error.what


def test_a_normal_instance_is_neither_removed_nor_written_to(tmp_path: Path) -> None:
    home = tmp_path / "instance"
    open_ledger(load_settings({}, home=home, content=home / "content"), create=True).close()
    (home / "definedby.toml").write_text('title = "A real blog"\n', encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in home.iterdir()}
    assert "nothing was removed" in refused("--remove", "--home", str(home))
    assert "is not a demonstration" in refused("--no-serve", "--home", str(home))
    assert {path: path.stat().st_mtime_ns for path in home.iterdir()} == before


@pytest.mark.parametrize("told", ["demo = false\n", 'demo = "true"\n', "demo = true\nbroken", ""])
def test_only_a_clear_word_makes_a_folder_removable(tmp_path: Path, told: str) -> None:
    (tmp_path / "definedby.toml").write_text(told, encoding="utf-8")
    assert "nothing was removed" in refused("--remove", "--home", str(tmp_path))
    assert (tmp_path / "definedby.toml").read_text(encoding="utf-8") == told


def test_a_link_to_a_demonstration_is_not_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    place.begin(real)
    link.symlink_to(real)
    assert "nothing was removed" in refused("--remove", "--home", str(link))
    assert (real / "definedby.toml").exists()


def test_removing_takes_that_folder_and_says_so(tmp_path: Path) -> None:
    home, beside = tmp_path / "demo", tmp_path / "beside"
    beside.mkdir()
    place.begin(home)
    place.finish(home)
    told = CliRunner().invoke(demo, ["--remove", "--home", str(home)])
    assert (told.exit_code, told.output) == (0, f"Removed {home}.\n")
    assert list(tmp_path.iterdir()) == [beside]
    again = CliRunner().invoke(demo, ["--remove", "--home", str(home)])
    assert (again.exit_code, again.output) == (0, f"There is no demonstration in {home}.\n")


def test_a_first_file_half_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".definedby.toml.x1.part").touch()
    assert not place.is_complete(tmp_path)
    place.begin(tmp_path)
    assert place.is_demo(tmp_path)


def test_the_help_shows_how() -> None:
    told = CliRunner().invoke(demo, ["--help"]).output
    assert "definedby demo --remove" in told
