"""An independent receiver of webmentions: the `webmentions` library from PyPI, over real HTTP."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy
from flask import Flask
from webmentions import WebmentionDirection, WebmentionsHandler
from webmentions.server.adapters.flask import bind_webmentions
from webmentions.storage.adapters.db import init_db_storage
from werkzeug.serving import make_server


class Receiver:
    """A site that runs the `webmentions` library, with a database of its own.

    Its one page is /post; `page` is the HTML of it.
    """

    def __init__(self, folder: Path, page: str = "<h1>A post that we cite</h1>") -> None:
        self.page = page
        self.app = Flask("receiver")
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.base = f"http://127.0.0.1:{self._server.port}"
        self.endpoint = f"{self.base}/webmentions"
        self.engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'received.sqlite'}")
        self.storage = init_db_storage(self.engine)
        handler = WebmentionsHandler(self.storage, base_url=self.base, ssrf_protection=False)
        self.app.add_url_rule("/post", view_func=lambda: self.page)
        bind_webmentions(self.app, handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.engine.dispose()

    def received(self) -> list[tuple[str, str]]:
        """Source and target of each mention that stands."""
        found = self.storage.retrieve_webmentions(
            f"{self.base}/post", direction=WebmentionDirection.IN
        )
        return [(one.source, one.target) for one in found]
