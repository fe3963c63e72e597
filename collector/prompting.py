"""Post a campaign's prompt by an account, once, and remember the post so that it is read."""

from __future__ import annotations

from collector.channels import open_connector
from collector.connector import ChannelError, PostingConnector
from collector.context import context_of
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.model import Account, Campaign
from ledger.paused import paused
from ledger.prompts import (
    Prompt,
    PromptState,
    begin_prompt,
    mark_not_posted,
    mark_posted,
    prompts_of_campaign,
)


def post_prompt(
    ledger: Ledger, campaign: Campaign, account: Account, text: str, posted_by: str
) -> Prompt:
    """Post `text` (the prompt, unless somebody worded it otherwise). Always a person's doing.

    Raises DefinedbyError: when the channel has no posts, when an earlier try may be out, when
    sending is paused, or with what the channel objected to.
    """
    connector = open_connector(account, context_of(ledger, account))
    if not isinstance(connector, PostingConnector):
        raise DefinedbyError(
            f"Nothing can be posted on {account.channel}.",
            "Choose an account of a channel with public posts.",
        )
    prompt = _begin(ledger, campaign, account, text, posted_by)
    try:
        posted = connector.post(prompt.text, prompt.key)
    except ChannelError as error:
        raise _settle_failure(ledger, prompt, error) from error
    with ledger.write() as connection:
        mark_posted(
            connection,
            prompt.id,
            external_id=posted.external_id,
            url=posted.url,
            thread_id=posted.thread_id,
            at=posted.posted_at,
        )
        return next(
            known for known in prompts_of_campaign(connection, campaign.id) if known.id == prompt.id
        )


def _begin(
    ledger: Ledger, campaign: Campaign, account: Account, text: str, posted_by: str
) -> Prompt:
    with ledger.write() as connection:
        reason = paused(connection)
        if reason:
            raise DefinedbyError(reason, "Then post the prompt again.")
        for known in prompts_of_campaign(connection, campaign.id):
            if known.account_id == account.id and known.state in (
                PromptState.POSTING,
                PromptState.UNKNOWN,
            ):
                raise DefinedbyError(
                    "An earlier post of this prompt may be out; nobody knows.",
                    "Look at the account, then say on the desk whether it is there.",
                )
        return begin_prompt(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            account_id=account.id,
            text=" ".join(text.split()) or campaign.prompt,
            posted_by=posted_by,
        )


def _settle_failure(ledger: Ledger, prompt: Prompt, error: ChannelError) -> DefinedbyError:
    state = PromptState.UNKNOWN if error.delivered_unknown else PromptState.FAILED
    with ledger.write() as connection:
        mark_not_posted(connection, prompt.id, state, f"{error} {error.mend}".strip())
    return DefinedbyError(str(error), error.mend)
