"""The finished blog behind other web servers, by the configuration that we make for them."""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from app import definedby
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.settings import load_settings
from publisher.publish import publish, publish_pending
from tests.conftest import SteppingClock
from tests.golden.sample_blog import grant, named, take, withdraw
from tests.molds import open_new
from tests.servers.fixtures import need
from tests.servers.web_servers import RUNNERS, why_unavailable
from tests.visiting import application
from web.headers import blog_headers
from web.hosting import FILES, GONE, configuration, own_places

POST = re.compile(r'href="(/thought-leadership/[^"]*-[0-9a-f]{8}/)"')


@dataclass
class Blog:
    ledger: Ledger
    base: str
    #: The addresses of a post that stands, and of one that was taken back; and of their people.
    standing: list[str]
    gone: list[str]


@contextlib.contextmanager
def served(ledger: Ledger) -> Iterator[str]:
    """The application itself, on a port of its own."""
    server = make_server("127.0.0.1", 0, application(ledger), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module", params=list(RUNNERS))
def blog(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Blog]:
    """A blog from which something was taken back, behind each server."""
    need(why_unavailable(request.param))
    with contextlib.ExitStack() as cleanup:
        public = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        public.chmod(0o755)
        home = tmp_path_factory.mktemp("instance")
        settings = load_settings(
            {"DEFINEDBY_BASE_URL": "https://blog.example"},
            home=home / "home",
            content=home / "content",
            site=public / "site",
        )
        ledger = open_new(settings, SteppingClock())
        cleanup.callback(ledger.close)
        with ledger.write() as connection:
            campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
        grant(ledger, take(ledger, campaign, "聞くこと"), named("Ada Sample"))
        lost = take(ledger, campaign, "listening twice")
        grant(ledger, lost, named("Grace Example"))
        publish(ledger)
        before = addresses(settings.site_folder)
        withdraw(ledger, lost)
        publish_pending(ledger)
        standing = addresses(settings.site_folder)
        behind = cleanup.enter_context(served(ledger))
        (content,) = configuration(application(ledger), settings, request.param, behind).values()
        folder = public / "server"
        folder.mkdir()
        base = cleanup.enter_context(RUNNERS[request.param](content, folder))
        yield Blog(ledger, base, sorted(standing), sorted(before - standing))


def addresses(site: Path) -> set[str]:
    """The addresses of all posts and people that have a page."""
    pages = (file.parent.relative_to(site) for file in site.rglob("index.html"))
    return {f"/{page}/" for page in pages if re.search(GONE, f"/{page}/")}


def get(blog: Blog, path: str, **options: object) -> httpx.Response:
    return httpx.get(blog.base + quote(path), **options)  # type: ignore[arg-type]


def test_p33_every_page_comes_with_our_headers(blog: Blog) -> None:
    expected = blog_headers(blog.ledger.settings)
    assert len(expected) >= 7
    assert len(blog.standing) == 2
    for path in ("/", *blog.standing, "/feed.xml", "/nothing-here/", *blog.gone):
        answer = get(blog, path)
        for name, value in expected.items():
            assert answer.headers.get_list(name) == [value], (path, name)
        is_page = answer.headers["content-type"].startswith("text/html")
        assert is_page == (path != "/feed.xml")
        if answer.status_code == 200 and is_page:
            assert 'rel="webmention"' in answer.headers["link"]
            assert answer.headers["cache-control"] == "no-cache"
    style = re.search(r'href="(/assets/[^"]+\.css)"', get(blog, "/").text)
    assert style is not None
    assert get(blog, style[1]).headers["cache-control"] == "max-age=3600"


def test_p05_what_was_taken_back_is_gone_and_what_never_was_is_not_found(blog: Blog) -> None:
    site = blog.ledger.settings.site_folder
    assert len(blog.gone) == 2
    for path in blog.gone:
        for spelled in (path, path.rstrip("/"), f"{path}index.html"):
            answer = get(blog, spelled)
            assert answer.status_code == 410, spelled
            assert answer.text == (site / "410.html").read_text()
            assert "Grace" not in answer.text
    for path in ("/nothing-here/", "/thought-leadership/2026-13/", "/x.html", "/.hidden"):
        answer = get(blog, path)
        assert answer.status_code == 404, path
        assert answer.text == (site / "404.html").read_text()
    for path in blog.standing:
        assert get(blog, path).status_code == 200
        assert get(blog, path.rstrip("/")).status_code in (301, 308)


def test_hidden_files_are_ours_alone(blog: Blog) -> None:
    (blog.ledger.settings.site_folder / ".secret").write_text("sentinel")
    (blog.ledger.settings.site_folder / ".more").mkdir()
    (blog.ledger.settings.site_folder / ".more" / "secret.html").write_text("sentinel")
    for path in ("/.secret", "/.more/secret.html", "/%2esecret"):
        answer = httpx.get(blog.base + path)
        assert answer.status_code in (400, 403, 404)
        assert "sentinel" not in answer.text


def test_the_application_answers_for_its_own_places(blog: Blog) -> None:
    assert get(blog, "/healthz").json() == {"status": "ok"}
    desk = get(blog, "/desk", follow_redirects=False)
    assert desk.status_code in (302, 303)
    assert "/desk/sign-in" in desk.headers["location"]
    page = get(blog, "/desk/sign-in")
    assert page.status_code == 200
    assert page.headers.get_list("cache-control") == ["no-store"]
    assert len(page.headers.get_list("content-security-policy")) == 1
    assert get(blog, "/.well-known/definedby-key.json").status_code == 200
    mention = httpx.post(f"{blog.base}/webmention", data={"source": "x", "target": "y"})
    assert mention.status_code == 400


@pytest.mark.parametrize("kind", FILES)
def test_the_command_says_it_all(ledger: Ledger, tmp_path: Path, kind: str) -> None:
    environment = {
        "DEFINEDBY_HOME": str(ledger.settings.home),
        "DEFINEDBY_SITE": str(ledger.settings.site_folder),
        "DEFINEDBY_BASE_URL": "https://blog.example",
    }
    run = CliRunner(env=environment)
    command = ["hosting", kind, "--app", "https://app.blog.example"]
    shown = run.invoke(definedby, command)
    assert shown.exit_code == 0, shown.output
    for own in own_places(application(ledger)):
        assert re.escape(own) in shown.output or own in shown.output
    assert run.invoke(definedby, [*command, "--to", str(tmp_path)]).exit_code == 0
    assert shown.output == "".join((tmp_path / name).read_text() for name in FILES[kind])


def test_what_can_t_be_configured_is_said(ledger: Ledger) -> None:
    run = CliRunner(env={"DEFINEDBY_HOME": str(ledger.settings.home)})
    assert "--app" in str(run.invoke(definedby, ["hosting", "netlify"]).exception)
    odd = run.invoke(definedby, ["hosting", "nginx", "--app", "http://x; evil"])
    assert "no address of a server" in str(odd.exception)
    settings = ledger.settings.model_copy(update={"site": Path('/srv/a"b')})
    with pytest.raises(Exception, match="another folder"):
        configuration(application(ledger), settings, "nginx", "http://127.0.0.1:1")
