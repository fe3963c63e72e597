"""A person with a browser that runs no script: follows links, fills in forms, keeps cookies."""

from __future__ import annotations

from urllib.parse import urljoin

import requests
from lxml import html


class Visitor:
    """Each visitor has cookies of their own; `answer` is the page in front of them."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False
        self.answer = requests.Response()

    @property
    def page(self) -> html.HtmlElement:
        return html.fromstring(self.answer.text, base_url=self.answer.url)

    @property
    def text(self) -> str:
        """The visible words of the page, white space run together."""
        return " ".join(self.page.find("body").text_content().split())

    def visit(self, address: str, *, status: int = 200) -> None:
        self.answer = self.session.get(urljoin(self.base, address), timeout=30)
        self._expect(status)

    def submit(
        self, action: str, press: tuple[str, str] | None = None, status: int = 200, **fields: str
    ) -> None:
        """Fill in the form whose action contains `action`, press a button, follow on."""
        form = next(form for form in self.page.forms if action in (form.action or ""))
        values = [(name, value) for name, value in form.form_values() if name not in fields]
        values += list(fields.items())
        if press is not None:
            values.append(press)
        self.answer = self.session.post(
            urljoin(self.answer.url, form.action),
            data=values,
            headers={"Origin": self.base.rstrip("/"), "Sec-Fetch-Site": "same-origin"},
            timeout=30,
        )
        self._expect(status)

    def link(self, part: str) -> str:
        """The address of the first link whose address contains `part`."""
        found: str = next(a.get("href") for a in self.page.iter("a") if part in a.get("href", ""))
        return urljoin(self.answer.url, found)

    def close(self) -> None:
        self.session.close()

    def _expect(self, status: int) -> None:
        if self.answer.status_code != status:
            raise AssertionError(
                f"{self.answer.url}: {self.answer.status_code}, not {status}\n{self.answer.text}"
            )
