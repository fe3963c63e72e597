"""The child that turns an editor's Markdown into clean HTML; started by publisher.prose.

A program of its own, so that a text which python-markdown can't finish can be ended: one JSON
string a line comes in, one goes out; null stands for a text that could not be rendered.
"""

from __future__ import annotations

import json
import sys

import markdown
import nh3

EXTENSIONS = ["footnotes", "sane_lists", "smarty", "tables"]
TAGS = {"a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "img", "li", "ol", "p"}
TAGS |= {"pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"}
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}


def clean_html(text: str) -> str:
    return nh3.clean(
        markdown.markdown(text, extensions=EXTENSIONS, output_format="html"),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )


def main() -> None:
    for line in sys.stdin:
        try:
            answer = clean_html(json.loads(line))
        except (RecursionError, ValueError):
            answer = None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
