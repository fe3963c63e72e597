"""The tables, for SQLite and PostgreSQL alike. Migrations follow these; a test compares them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class Utc(TypeDecorator[datetime]):
    """Aware times in UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return (
            None
            if value is None
            else (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))
        )


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default, default=default)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0", default=0)


def _index_of_known(table: str, column: str) -> Index:
    """An index for finding rows by what most of them, and all new ones, do not have."""
    known = text(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}", column, sqlite_where=known, postgresql_where=known)


#: Facts about the instance itself, such as why sending and publishing are paused.
instance = Table("instance", metadata, Column("name", String(64), primary_key=True), _text("value"))

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("slug", String(80), nullable=False, unique=True),
    _text("term"),
    _text("prompt"),
    _text("lang", "en"),
    Column("is_open", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    # How often an edition is drafted (ledger.periods); never when empty.
    Column("edition_every", String(8), nullable=False, server_default=""),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("name", String(120), nullable=False),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("options", JSON, nullable=False),
    _text("secret"),
    _text("cursor"),
    Column("next_poll_at", Utc),
    Column("last_read_at", Utc),
    _text("last_error"),
    _count("failures"),
    _count("stored"),
    _count("skipped"),
    Column("reading", String(16), nullable=False, server_default="on", default="on"),
    # The last error is one that no waiting mends.
    Column("needs_person", Boolean, nullable=False, server_default=text("false"), default=False),
    Column("last_reply_at", Utc),
    UniqueConstraint("channel", "name"),
)

contributors = Table(
    "contributors",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("stopped_at", Utc),
    # Their time zone (IANA), if somebody knows it; for quiet hours.
    Column("zone", String(64), nullable=False, server_default="", default=""),
    # Known to be one person with others (table joins): the least of their ids; else empty.
    Column("person_id", String(32), nullable=False, server_default="", default="", index=True),
)

#: Two contributors are one person: an editor said so, and may take that back.
joins = Table(
    "joins",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("one", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("other", ForeignKey("contributors.id"), nullable=False, index=True),
    _text("because"),
    _text("joined_by"),
    Column("joined_at", Utc, nullable=False),
    _text("parted_by"),
    Column("parted_at", Utc),
    # The reply in which they say so themselves, if it rests on one.
    Column("reply_id", Integer),
)

#: The conversation with one contributor in one campaign. `last_theirs_at`: when the newest of
#: their replies that wants an answer arrived; `done_at`: when an editor said it needs none.
threads = Table(
    "threads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("opened_at", Utc, nullable=False),
    Column("last_theirs_at", Utc),
    Column("done_at", Utc),
    UniqueConstraint("campaign_id", "contributor_id"),
)

handles = Table(
    "handles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("channel", String(16), nullable=False),
    Column("address", String(320), nullable=False),
    _text("name"),
    _text("url"),
    _text("contact"),
    UniqueConstraint("channel", "address"),
)

replies = Table(
    "replies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("external_id", String(998), nullable=False),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("address", String(320), nullable=False),
    _text("author_name"),
    _text("author_url"),
    _text("subject"),
    _text("text"),
    _text("html"),
    _text("source_url"),
    Column("in_reply_to", JSON, nullable=False),
    _text("raw"),
    Column("automatic", Boolean, nullable=False),
    Column("private", Boolean, nullable=False, server_default=text("false")),
    _text("contact"),
    Column("written_at", Utc),
    Column("received_at", Utc, nullable=False),
    Column("handle_id", ForeignKey("handles.id")),
    Column("state", String(16), nullable=False),
    Column("kind", String(16), nullable=False, server_default=""),
    _text("reason"),
    Column("confidence", Integer, nullable=False, server_default="0"),
    Column("spans", JSON, nullable=False),
    Column("corrected", Boolean, nullable=False, server_default=text("false")),
    # How the source stands at its platform since we noticed a change; empty: as it was.
    Column("source_state", String(16), nullable=False, server_default=""),
    _text("source_text"),
    Column("source_noticed_at", Utc),
    Column("source_checked_at", Utc),
    # The edit that an editor has looked at last: only another one is shown again.
    _text("released_text"),
    Column("released_at", Utc),
    # What an editor has looked at and let stand: the same is not held again.
    Column("released_state", String(16), nullable=False, server_default=""),
    # The earlier reply of the same author that this one continues (ledger.joined).
    Column("continues_id", Integer),
    # The conversation it is part of (table threads); what a machine wrote may be of none.
    Column("thread_id", Integer),
    UniqueConstraint("channel", "account_id", "external_id"),
    # None of the three is known of a reply that arrives: it costs nothing in these.
    _index_of_known("replies", "handle_id"),
    _index_of_known("replies", "continues_id"),
    _index_of_known("replies", "thread_id"),
    Index("ix_replies_desk", "campaign_id", "state", "received_at"),
    Index("ix_replies_author", "address", "channel"),
    # The reader asks for what is unread; nearly every row is read, so the index stays tiny.
    Index(
        "ix_replies_unread",
        "id",
        sqlite_where=text("kind = ''"),
        postgresql_where=text("kind = ''"),
    ),
    Index(
        "ix_replies_unplaced",
        "id",
        sqlite_where=text("thread_id IS NULL AND NOT automatic"),
        postgresql_where=text("thread_id IS NULL AND NOT automatic"),
    ),
)

#: What a connector saw and could not take in, with the reason (promise P17).
skipped_items = Table(
    "skipped_items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("external_id", String(998), nullable=False),
    Column("kind", String(16), nullable=False, server_default="malformed"),
    _text("reason"),
    Column("at", Utc, nullable=False),
    UniqueConstraint("account_id", "external_id"),
)

#: Sources that were gone before their reply arrived: a deletion that overtakes it still wins.
gone_sources = Table(
    "gone_sources",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("external_id", String(998), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("at", Utc, nullable=False),
)

#: The prompt as posted by an account; replies to it belong to its campaign.
prompts = Table(
    "prompts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("key", String(32), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    _text("text"),
    Column("external_id", String(998), nullable=False, server_default=""),
    _text("url"),
    _text("thread_id"),
    _text("error"),
    Column("posted_by", Text, nullable=False, server_default=""),
    Column("posted_at", Utc, nullable=False),
    Index("ix_prompts_account", "account_id", "state"),
)

#: What a channel charged for, per account and month, in millionths of a dollar.
spending = Table(
    "spending",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("kind", String(32), primary_key=True),
    _count("units"),
    _count("micro_dollars"),
)

#: What was charged today: the same post read twice in a UTC day is charged once.
charged_today = Table(
    "charged_today",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("item", String(200), primary_key=True),
)

definitions = Table(
    "definitions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False, index=True),
    Column("reply_id", ForeignKey("replies.id"), nullable=False),
    Column("slug", String(120), nullable=False),
    _text("lang"),
    Column("created_at", Utc, nullable=False),
    # "definition", or what an exchange was made into: then each person whose words are shown has a
    # row of their own, `piece_id` is the first one's, and `part` counts the people from 1.
    Column("kind", String(16), nullable=False, server_default="definition", default="definition"),
    Column("piece_id", String(32), nullable=False, server_default="", default="", index=True),
    Column("part", Integer, nullable=False, server_default="0", default=0),
    Index(
        "ix_definitions_reply_id",
        "reply_id",
        unique=True,
        sqlite_where=text("kind = 'definition'"),
        postgresql_where=text("kind = 'definition'"),
    ),
)

definition_versions = Table(
    "definition_versions",
    metadata,
    Column("definition_id", ForeignKey("definitions.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    _text("text"),
    Column("spans", JSON),  # null once the words are an edit its author has to agree to
    Column("created_at", Utc, nullable=False),
)

#: Which replies a piece quotes: what becomes of the source of any of them holds the whole of it.
piece_sources = Table(
    "piece_sources",
    metadata,
    Column("piece_id", ForeignKey("definitions.id"), primary_key=True),
    Column("reply_id", ForeignKey("replies.id"), primary_key=True, autoincrement=False, index=True),
)

#: Consent requests. `live_key` is unique while a request is open: one per person and purpose.
requests = Table(
    "requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("definition_id", ForeignKey("definitions.id"), nullable=False, index=True),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("uses", JSON, nullable=False),
    Column("credit", JSON, nullable=False),
    _text("asked_by"),
    _text("notice"),
    Column("asked_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False, index=True),
    Column("closed_at", Utc),
    Column("live_key", String(80), unique=True),
    _text("lang"),
)

#: Personal links: only a keyed hash of the token is kept (promise P26).
links = Table(
    "links",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("revoked_at", Utc),
)

#: Links in the headers of our mails that do nothing but end them; only keyed hashes are kept.
stop_links = Table(
    "stop_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("created_at", Utc, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(32), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("commitment", String(64), nullable=False),
)

#: The erasable half of an event: its payload and its key, sealed under the contributor's key.
event_payloads = Table(
    "event_payloads",
    metadata,
    Column("seq", ForeignKey("events.seq"), primary_key=True, autoincrement=False),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("sealed", LargeBinary),
)

#: One row; locked while an event is appended, so that the chain has one tail.
chain_head = Table(
    "chain_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("request_id", ForeignKey("requests.id"), index=True),
    Column("message_id", String(200), nullable=False, unique=True),
    Column("state", String(16), nullable=False, index=True),
    _text("recipient"),
    _text("subject"),
    _text("sealed_body"),
    _text("in_reply_to"),
    _text("approved_by"),
    Column("created_at", Utc, nullable=False),
    Column("claimed_at", Utc),
    Column("sent_at", Utc),
    Column("not_before", Utc),
    _count("attempts"),
    _text("error"),
    # The rule of etiquette (ledger/etiquette.toml) that `error` tells of, if one did this.
    Column("rule", String(32), nullable=False, server_default="", default=""),
    # To the person alone, or below their post for everyone to see.
    Column("private", Boolean, nullable=False, server_default=text("true")),
    # The channel's own id of what was sent, by which answers to it are known.
    Column("external_id", String(998), nullable=False, server_default="", default=""),
    # Failed, and for a person to send: the address of the platform's composer, which may hold
    # the whole text. Empty: nobody needs to.
    _text("sealed_composer"),
    # A file that goes with it, gone when the words are (ledger/attachments.py).
    _text("sealed_attachment"),
    # The conversation it is part of (table threads), and its words for that, under the key of
    # its addressee and without their personal link: these stay when the message has left.
    Column("thread_id", Integer, index=True),
    Column("sealed_words", LargeBinary),
    Index(
        "ix_outbox_handed_over",
        "id",
        sqlite_where=text("sealed_composer <> ''"),
        postgresql_where=text("sealed_composer <> ''"),
    ),
    Index("ix_outbox_external", "account_id", "external_id"),
    # What it is for (ledger/etiquette.py), and what makes it the only one of its kind:
    # "greet:<contributor>" is taken by one message until that has failed.
    Column("purpose", String(16), nullable=False, server_default="answer", default="answer"),
    Column("once", String(80), unique=True),
    # Keyed hash of what an editor wrote of the person, to notice when it is written again.
    Column("likeness", String(64), nullable=False, server_default="", default=""),
)

#: Answers in words to a question of ours: what they seem to decide, or what an editor says they do.
answers = Table(
    "answers",
    metadata,
    Column("reply_id", ForeignKey("replies.id"), primary_key=True, autoincrement=False),
    Column("request_id", ForeignKey("requests.id"), nullable=False, index=True),
    Column("message_id", ForeignKey("outbox.id"), nullable=False),
    Column("decision", String(16), nullable=False),
    _text("evidence"),
    Column("changes", JSON, nullable=False),
    _text("reason"),
    Column("take_down", Boolean, nullable=False, server_default=text("false")),
    _text("done"),
    _text("corrected_by"),
    Column("read_at", Utc, nullable=False),
)

#: Work for the stages, written in the transaction that makes it necessary.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("not_before", Utc),
    Column("done_at", Utc),
    _count("attempts"),
    _text("error"),
    Index(
        "ix_jobs_open",
        "kind",
        "id",
        sqlite_where=text("done_at IS NULL"),
        postgresql_where=text("done_at IS NULL"),
    ),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

#: What has been composed. `address` is the site path; `gone_at` set means it answers 410.
posts = Table(
    "posts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(32), nullable=False, index=True),
    Column("address", String(300), nullable=False, unique=True),
    _text("file"),
    _text("grant_hash"),
    Column("published_at", Utc),
    Column("gone_at", Utc),
)

editions = Table(
    "editions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False, index=True),
    Column("slug", String(120), nullable=False),
    _text("title"),
    _text("introduction"),
    Column("definition_ids", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("published_at", Utc),
    # What it is and what it gathers; the last two are for the best of a year.
    Column("kind", String(8), nullable=False, server_default="edition"),
    _text("theme"),
    Column("since", Utc),
    Column("until", Utc),
    Column("winner_id", String(32), nullable=False, server_default=""),
    _text("method"),
    UniqueConstraint("campaign_id", "slug"),
)

#: Every file of the built site, so that what is no longer wanted is removed.
outputs = Table(
    "outputs",
    metadata,
    Column("path", String(400), primary_key=True),
    Column("hash", String(64), nullable=False),
)

#: Which place a definition has in the archive of its month and on its author's page: given once,
#: so that a page of an archive changes only with what stands on it.
places = Table(
    "places",
    metadata,
    Column("definition_id", String(32), primary_key=True),
    Column("campaign_id", String(32), nullable=False),
    Column("month", String(7), nullable=False),
    Column("number", Integer, nullable=False),
    Column("person", String(120), nullable=False),
    Column("person_number", Integer, nullable=False),
    Index("ix_places_month", "campaign_id", "month", "number"),
    Index("ix_places_person", "person", "person_number"),
)

#: The nodes of the site's graph: what stands of each definition, rendered, bound by `seal` to the
#: grant it was made from. This and the tables below are derived; `publish --full` makes them anew.
site_entries = Table(
    "site_entries",
    metadata,
    Column("definition_id", String(32), primary_key=True),
    Column("campaign_id", String(32), nullable=False),
    Column("grant_hash", String(64), nullable=False),
    Column("granted_at", String(40), nullable=False),
    Column("address", String(300), nullable=False),
    Column("month", String(7), nullable=False),
    Column("number", Integer, nullable=False),
    Column("person", String(120), nullable=False),
    Column("person_number", Integer, nullable=False),
    Column("in_editions", Boolean, nullable=False),
    _text("title"),
    _text("name"),
    _text("url"),
    Column("picture", String(64), nullable=False, server_default="", default=""),
    _text("words"),
    _text("lang"),
    _text("cite"),
    _text("note"),
    _text("listed"),
    Column("kind", String(16), nullable=False, server_default="definition", default="definition"),
    # Of a piece, everybody whose words it shows, as JSON: name, link.
    _text("people"),
    Column("seal", String(64), nullable=False),
    Index("ix_site_entries_newest", "granted_at", "definition_id"),
    Index("ix_site_entries_campaign", "campaign_id", "granted_at", "definition_id"),
    Index("ix_site_entries_month", "campaign_id", "month", "number"),
    Index("ix_site_entries_person", "person", "person_number"),
    # Most show none, so the index stays small.
    Index(
        "ix_site_entries_picture",
        "picture",
        sqlite_where=text("picture <> ''"),
        postgresql_where=text("picture <> ''"),
    ),
)

#: How many definitions stand on each page of a fixed range: of a month, a person, a sitemap.
site_groups = Table(
    "site_groups",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("owner", String(120), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)

#: Which public editions hold which definitions.
site_edges = Table(
    "site_edges",
    metadata,
    Column("definition_id", String(32), primary_key=True),
    Column("edition_id", String(32), primary_key=True, index=True),
)

#: Outputs that have to be made again, and why; a kill leaves them for the next run.
site_dirty = Table(
    "site_dirty",
    metadata,
    Column("path", String(400), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("part", String(20), nullable=False),
    _text("reason"),
)

#: What the site was built from: how far the chain was read, and hashes of the rest.
site_sources = Table(
    "site_sources", metadata, Column("name", String(80), primary_key=True), _text("value")
)

editors = Table(
    "editors",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(255), nullable=False, unique=True),
    _text("name"),
    _text("password"),
    Column("active", Boolean, nullable=False),
    Column("fs_uniquifier", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("created_at", Utc, nullable=False),
)

#: One-time links that set an editor's password; only a keyed hash of the token is kept.
invitations = Table(
    "invitations",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("editor_id", ForeignKey("editors.id"), nullable=False),
    Column("expires_at", Utc, nullable=False),
)

#: Webmentions that were sent to us, once per source and target; `due_at` is empty once settled.
#: `times` and `attempts` tell whether anybody touched a row while its source was being fetched.
mentions = Table(
    "mentions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(500), nullable=False),
    Column("target", String(500), nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("due_at", Utc, index=True),
    Column("checked_at", Utc),
    Column("state", String(16), nullable=False),
    _count("times"),
    _count("attempts"),
    _text("error"),
    UniqueConstraint("source", "target"),
)

#: Pages elsewhere that a post of ours quotes, told by webmention when it is published, changes or
#: is gone. `sealed_post` is the post's address, kept only while there is something to tell of it.
told_pages = Table(
    "told_pages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String(32), nullable=False, unique=True),
    Column("page", String(2000), nullable=False),
    _text("sealed_post"),
    Column("state", String(16), nullable=False),
    Column("gone", Boolean, nullable=False, server_default=text("false")),
    Column("due_at", Utc, index=True),
    Column("since", Utc, nullable=False),
    Column("told_at", Utc),
    _count("times"),
    _count("attempts"),
    _text("error"),
)

#: How a campaign treats people: its time zone, what it is stricter in, its own templates.
manners = Table(
    "manners",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id"), primary_key=True),
    Column("zone", String(64), nullable=False, server_default="", default=""),
    Column("stricter", JSON, nullable=False),
    _text("greeting"),
    _text("follow_up"),
)

#: People who followed or mentioned us, or stand on a list, and may be greeted by an editor.
newcomers = Table(
    "newcomers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("address", String(320), nullable=False),
    _text("name"),
    _text("url"),
    _text("contact"),
    _text("about"),
    Column("zone", String(64), nullable=False, server_default="", default=""),
    Column("why", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("found_at", Utc, nullable=False),
    Column("contributor_id", ForeignKey("contributors.id"), index=True),
    UniqueConstraint("channel", "address"),
    Index("ix_newcomers_desk", "campaign_id", "state", "id"),
)

#: Who was never listed, and why; only a keyed hash, so that they are counted once.
passed_over = Table(
    "passed_over",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id"), primary_key=True),
    Column("token", String(64), primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("at", Utc, nullable=False),
)

#: What profiles ask of programs, by a keyed hash of the address; only those that ask something.
profile_marks = Table(
    "profile_marks",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("is_bot", Boolean, nullable=False),
    Column("wants_no_bots", Boolean, nullable=False),
    Column("is_protected", Boolean, nullable=False),
    Column("seen_at", Utc, nullable=False),
)

#: Where profiles show their picture: the address alone, until its owner wants it shown.
#: `tried_at`: when it was fetched last, or would have been.
profile_pictures = Table(
    "profile_pictures",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("address", String(320), primary_key=True),
    _text("url"),
    Column("seen_at", Utc, nullable=False),
    Column("tried_at", Utc),
)

#: Pictures that contributors had shown to themselves, made small and sealed under their own key;
#: named by the SHA-256 of the bytes. `url` is where it came from.
pictures = Table(
    "pictures",
    metadata,
    Column("contributor_id", ForeignKey("contributors.id"), primary_key=True),
    Column("hash", String(64), primary_key=True),
    _text("url"),
    Column("sealed_picture", LargeBinary, nullable=False),
    Column("fetched_at", Utc, nullable=False),
)

#: How far the followers of an account have been looked through.
follower_places = Table(
    "follower_places",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    _text("cursor"),
    Column("looked_at", Utc, nullable=False),
)

#: Addresses of people who said stop, as keyed hashes: they outlive handles, merges and restores.
#: `erased_at`: everything about them was erased, so nothing from there is collected either.
stopped_addresses = Table(
    "stopped_addresses",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("erased_at", Utc),
)

#: What somebody asked for about what is kept of them, in words or by an editor: an editor does it.
rights_requests = Table(
    "rights_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("contributor_id", ForeignKey("contributors.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("reply_id", Integer, index=True),
    Column("definition_id", String(32), nullable=False, server_default="", default=""),
    _text("quoted"),
    Column("asked_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("done_at", Utc),
    _text("done_by"),
    _text("outcome"),
    UniqueConstraint("reply_id", "kind"),
)
