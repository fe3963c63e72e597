"""The preview an author agrees to: the very markup of the published page."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from ledger.model import Campaign, Channel, Credit
from publisher.render import site_templates
from publisher.shown import quote_of


def preview(
    campaign: Campaign, text: str, credit: Credit, *, channel: Channel, when: datetime
) -> Markup:
    """The post as HTML. `when` is when the reply was written, or received.

    What is shown equals what is published: the definition page calls the same macro.
    """
    quote = quote_of(
        words=text,
        credit=credit,
        prompt=campaign.prompt,
        prompt_lang=campaign.lang,
        lang=campaign.lang,
        channel=channel,
        when=when,
    )
    template = site_templates().get_template("_quote.html")
    shown: Markup = template.module.quote(quote)  # type: ignore[attr-defined] # a macro
    return shown
