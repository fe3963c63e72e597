"""What a web server in front needs to serve the finished blog by itself, without asking us.

Headers are those that the application sends (promise P33). No list of the gone addresses exists,
for it would tell what was taken back (docs/adr/0008); but an address of a post, of a person or of
a round-up has a shape that no other has, so whatever has it and is not there answers 410.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import click
from flask import Flask
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ledger.command_line import example, with_ledger
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.settings import Settings
from publisher.compose import ID_CHARACTERS
from web.headers import blog_headers
from web.webmentions import link_header

TEMPLATES = Path(__file__).parent.parent / "templates" / "hosting"
#: The files that each kind of host reads.
FILES = {
    "nginx": ("nginx.conf",),
    "caddy": ("Caddyfile",),
    "apache": ("apache.conf",),
    "netlify": ("_headers", "_redirects"),
}
#: Posts and people end in the beginning of a random id; round-ups lie in a folder of their own.
GONE = rf"^/[^/]+/(?:editions/[^/]+|[^/]+-[0-9a-f]{{{ID_CHARACTERS}}})(?:/|$)"
#: What no configuration file of these servers can hold in a quoted word.
_UNQUOTABLE = re.compile(r"[\"\\\x00-\x1f{}$%`]")


def configuration(app: Flask, settings: Settings, kind: str, behind: str) -> dict[str, str]:
    """The files for a kind of host, by name; `behind` is where the application answers.

    Raises DefinedbyError when the site's folder can't be named in such a file.
    """
    site = str(settings.site_folder.resolve())
    if _UNQUOTABLE.search(site):
        raise DefinedbyError(
            f"The folder {site} has a character that a web server's configuration can't hold.",
            "Give the site another folder: DEFINEDBY_SITE.",
        )
    with app.test_request_context():
        link = link_header()
    own = own_places(app)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701  no HTML; what goes in is checked above, or is ours
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    values = {
        "app": behind.rstrip("/"),
        "gone": GONE,
        "headers": sorted(blog_headers(settings).items()),
        "host": urlsplit(settings.public_url).hostname or "localhost",
        "link": link,
        "own": [re.escape(one) for one in own],
        "plain": own,
        "port": 80,
        "site": site,
    }
    return {name: environment.get_template(name).render(values) for name in FILES[kind]}


def own_places(app: Flask) -> list[str]:
    """The first part of every address that the application answers, but for the blog itself."""
    firsts = {
        rule.rule.split("/")[1]
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith("blog.show")
    }
    return sorted(firsts - {""})


@click.command("hosting", epilog=example("definedby hosting nginx > /etc/nginx/sites-enabled/blog"))
@click.argument("kind", type=click.Choice(list(FILES)))
@click.option("--app", "behind", default="", help="Where the application answers; by default here.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Write the files into this folder instead of showing them.",
)
@with_ledger
def hosting(ledger: Ledger, kind: str, behind: str, to: Path | None) -> None:
    """Configure a web server that serves the finished blog by itself.

    Netlify and its like can't say that something is gone: there, gone addresses answer 404.
    """
    from web.application import create_application

    settings = ledger.settings
    if kind == "netlify" and not behind:
        raise DefinedbyError(
            "Such a host does not run the application, so it has to know where that answers.",
            "Name its address: --app https://app.blog.example",
        )
    where = behind or f"http://127.0.0.1:{settings.port}"
    if not re.fullmatch(r"https?://[\w.\-\[\]:]+/?", where):
        raise DefinedbyError(
            f"'{where}' is no address of a server.", "Give it as in http://127.0.0.1:8000"
        )
    for name, content in configuration(create_application(ledger), settings, kind, where).items():
        if to is None:
            click.echo(content, nl=False)
        else:
            (to / name).write_text(content, encoding="utf-8")
            click.echo(f"Written: {to / name}")
