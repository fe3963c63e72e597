"""The preview an author agrees to: the very markup of the published page."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from ledger.model import Campaign, Channel, Credit
from publisher.render import quote_macros
from publisher.shown import quote_of


def preview(
    campaign: Campaign,
    text: str,
    credit: Credit,
    *,
    channel: Channel,
    when: datetime,
    lang: str = "",
    messages: int = 1,
) -> Markup:
    """The post as HTML. `when` is when the reply was written, or received; `lang` is the language
    of the words, by default that of the campaign; `messages` how many they came in.

    What is shown equals what is published: the definition page calls the same macro.
    """
    quote = quote_of(
        words=text,
        credit=credit,
        prompt=campaign.prompt,
        prompt_lang=campaign.lang,
        lang=lang or campaign.lang,
        channel=channel,
        when=when,
        messages=messages,
    )
    shown: Markup = quote_macros().quote(quote)
    return shown
