"""Post a campaign's prompt by an account, once, and remember the post so that it is read."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.channels import open_connector
from collector.connector import ChannelError, PostingConnector, PromptPost
from collector.context import context_of
from collector.turns import TookTooLongError, within
from ledger.campaigns import campaign_by_id
from ledger.database import Ledger
from ledger.errors import DefinedbyError, TemporaryError
from ledger.model import Account, Campaign, ReadingState
from ledger.paused import paused
from ledger.prompts import (
    Prompt,
    PromptState,
    begin_prompt,
    find_posted,
    mark_not_posted,
    mark_posted,
    prompt_by_id,
    prompts_of_campaign,
)
from ledger.replies import move_answers


class MayBeOutError(TemporaryError):
    """A post may be out and may not; it is not tried again before somebody has looked (P10)."""


#: Seconds that a person waits for the platform. What takes longer may be out.
LONGEST_POST_SECONDS = 90.0
_MAY_BE_OUT = (PromptState.POSTING, PromptState.UNKNOWN)


def post_prompt(
    ledger: Ledger, campaign: Campaign, account: Account, text: str, posted_by: str
) -> Prompt:
    """Post `text` (the prompt, unless somebody worded it otherwise). Always a person's doing.

    Raises DefinedbyError: when the channel has no posts, when an earlier try may be out, when
    sending is paused, or with what the channel objected to.
    """
    connector = _posting_connector(ledger, account)
    prompt = _begin(ledger, campaign, account, text, posted_by)
    try:
        posted = within(
            LONGEST_POST_SECONDS, lambda: connector.post(prompt.text, prompt.key), account.name
        )
    except ChannelError as error:
        raise _settle_failure(ledger, prompt, error) from error
    except TookTooLongError as error:
        late = ChannelError(
            f"{error.what} The post may be out.",
            permanent=False,
            mend="Look at the account before it is posted again.",
            delivered_unknown=True,
        )
        raise _settle_failure(ledger, prompt, late) from error
    with ledger.write() as connection:
        return _mark(connection, prompt.id, posted)


def remember_prompt(
    ledger: Ledger, campaign: Campaign, account: Account, address: str, remembered_by: str
) -> tuple[Prompt, int]:
    """Remember a post of this account that asks the campaign's question, posted by hand.

    Returns it, and how many replies that had come before now belong to the campaign. It also
    settles a try of which nobody knew whether it is out. Raises DefinedbyError.
    """
    connector = _posting_connector(ledger, account)
    try:
        found = within(
            LONGEST_POST_SECONDS, lambda: connector.find_post(address.strip()), account.name
        )
    except ChannelError as error:
        raise DefinedbyError(str(error), error.mend) from error
    with ledger.write() as connection:
        known = find_posted(connection, account.id, found.external_id)
        if known is not None and known.campaign_id != campaign.id:
            other = campaign_by_id(connection, known.campaign_id)
            raise DefinedbyError(
                f"This post asks the question of '{other.slug}' already.",
                "One post asks one question: post this one by itself.",
            )
        prompt = known or _waiting(connection, campaign, account)
        if prompt is None:
            prompt = begin_prompt(
                connection,
                ledger.clock(),
                campaign_id=campaign.id,
                account_id=account.id,
                text=campaign.prompt,
                posted_by=remembered_by,
            )
        kept = _mark(connection, prompt.id, found)
        return kept, move_answers(connection, account.id, found.external_id, campaign.id)


def _posting_connector(ledger: Ledger, account: Account) -> PostingConnector:
    if account.reading is ReadingState.REMOVED:
        raise DefinedbyError(
            f"The login of {account.name} was removed.",
            "Give it a login again, under Accounts on the desk.",
        )
    connector = open_connector(account, context_of(ledger, account))
    if not isinstance(connector, PostingConnector):
        raise DefinedbyError(
            f"Nothing can be posted on {account.channel}.",
            "Choose an account of a channel with public posts.",
        )
    return connector


def _mark(connection: Connection, prompt_id: int, posted: PromptPost) -> Prompt:
    mark_posted(
        connection,
        prompt_id,
        external_id=posted.external_id,
        url=posted.url,
        thread_id=posted.thread_id,
        at=posted.posted_at,
    )
    return prompt_by_id(connection, prompt_id)


def _waiting(connection: Connection, campaign: Campaign, account: Account) -> Prompt | None:
    """The try of this account of which nobody knows whether it is out."""
    for known in prompts_of_campaign(connection, campaign.id):
        if known.account_id == account.id and known.state in _MAY_BE_OUT:
            return known
    return None


def _begin(
    ledger: Ledger, campaign: Campaign, account: Account, text: str, posted_by: str
) -> Prompt:
    with ledger.write() as connection:
        reason = paused(connection)
        if reason:
            raise DefinedbyError(reason, "Then post the prompt again.")
        if _waiting(connection, campaign, account) is not None:
            raise MayBeOutError(
                "An earlier post of this prompt may be out; nobody knows.",
                "Look at the account. If it is there: definedby prompt remember ADDRESS; if not, "
                "say so on the desk, under Post the question.",
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
    if state is PromptState.UNKNOWN:
        return MayBeOutError(str(error), error.mend)
    return DefinedbyError(str(error), error.mend)
