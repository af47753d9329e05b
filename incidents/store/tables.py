"""The ledger's tables. Times are milliseconds since 1970 (UTC) in BIGINT columns.

``*_at`` columns are world time unless their comment says *machine*. ``lease_until`` is always machine time.
A change here needs a migration beside it (see ``migrations/``); a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData()


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC datetime ↔ whole milliseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time reached the ledger: {value!r}")
        return round(value.timestamp() * 1000)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _time(name: str, *, null: bool = True, index: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcTime, nullable=null, index=index)


def _lease() -> list[sa.Column[Any]]:
    return [sa.Column("lease_by", sa.Text), _time("lease_until"), sa.Column("token", sa.Integer, nullable=False, server_default="0")]


meta = sa.Table("meta", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))

# World time `world` was machine time `machine`; while nobody runs, `machine` is NULL and the world stands still.
clock = sa.Table(
    "clock", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _time("origin", null=False), sa.Column("speed", sa.Float, nullable=False),
    _time("world", null=False), _time("machine"), _time("reserved_until", null=False),
)

leases = sa.Table("leases", metadata, sa.Column("name", sa.Text, primary_key=True), *_lease())

sources = sa.Table(
    "sources", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False), sa.Column("kind", sa.Text, nullable=False),
    sa.Column("platform", sa.Text, nullable=False), sa.Column("tier", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("health", sa.Text, nullable=False, server_default="new"),
    sa.Column("health_reason", sa.Text, nullable=False, server_default=""),
    _time("health_since"), _time("fetched_at"), _time("good_at"), _time("newest_at"), _time("next_try_at"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("interval_s", sa.Integer), sa.Column("day", sa.Text), sa.Column("requests_today", sa.Integer, nullable=False, server_default="0"),
    sa.Column("validators", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()),
)

# One standing row for each address that is read again and again, or once.
fetch_jobs = sa.Table(
    "fetch_jobs", metadata,
    _id(), sa.Column("source", sa.Text, nullable=False), sa.Column("kind", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False), sa.Column("mention_id", sa.Integer), sa.Column("payload", sa.JSON, nullable=False, server_default="{}"),
    _time("due_at"), sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"), sa.Column("runs", sa.Integer, nullable=False, server_default="0"),
    sa.Column("unchanged", sa.Integer, nullable=False, server_default="0"), _time("ended_at"), sa.Column("outcome", sa.Text), *_lease(),
    sa.UniqueConstraint("source", "kind", "url"), sa.Index("fetch_jobs_due", "due_at"), sa.Index("fetch_jobs_mention", "mention_id"),
)

fetch_log = sa.Table(
    "fetch_log", metadata,
    _id(), sa.Column("job_id", sa.Integer, nullable=False), sa.Column("source", sa.Text, nullable=False),
    _time("due_at", null=False), _time("at", null=False), sa.Column("outcome", sa.Text, nullable=False), sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("found", sa.Integer, nullable=False), sa.Column("new", sa.Integer, nullable=False), sa.Column("detail", sa.Text, nullable=False),
    sa.Index("fetch_log_source", "source", "at"),
)

mentions = sa.Table(
    "mentions", metadata,
    _id(), sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("source", sa.Text, nullable=False), sa.Column("platform", sa.Text, nullable=False), sa.Column("tier", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False), sa.Column("url", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False), sa.Column("text", sa.Text, nullable=False), sa.Column("quote", sa.Text, nullable=False),
    sa.Column("author", sa.Text), sa.Column("author_name", sa.Text, nullable=False),
    sa.Column("followers", sa.Integer), sa.Column("friends", sa.Integer), sa.Column("posts", sa.Integer), sa.Column("verified", sa.Boolean),
    _time("published"), sa.Column("precision", sa.Text, nullable=False), _time("first_seen", null=False), _time("dated", null=False, index=True),
    _time("saved_at", null=False),  # machine
    sa.Column("root_key", sa.Text, index=True), sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("flags", sa.JSON, nullable=False), sa.Column("matched", sa.Boolean, nullable=False),
    _time("tombstone_at"), sa.Column("text_hash", sa.Text, nullable=False), _time("edited_at"),
    # the newest observation, kept beside the append-only snapshots so that lists need no join
    sa.Column("reposts", sa.Integer), sa.Column("comments", sa.Integer), sa.Column("likes", sa.Integer), sa.Column("views", sa.Integer),
    _time("counted_at"), sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("forgotten", sa.Text),  # NULL, or why its words are gone: unmatched, expired, bare (kept for its incident), erased
    sa.Index("mentions_age", "forgotten", "first_seen"),
    sa.Index("mentions_unmatched", "first_seen", sqlite_where=sa.text("matched = 0 AND forgotten IS NULL"),
             postgresql_where=sa.text("NOT matched AND forgotten IS NULL")),
)

mention_brands = sa.Table(
    "mention_brands", metadata,
    sa.Column("mention_id", sa.Integer, primary_key=True), sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("spans", sa.JSON, nullable=False), sa.Column("inherited", sa.Boolean, nullable=False), _time("dated", null=False),
    sa.Index("mention_brands_brand", "brand", "dated"),
)

snapshots = sa.Table(
    "snapshots", metadata,
    _id(), sa.Column("mention_id", sa.Integer, nullable=False), _time("at", null=False),
    sa.Column("reposts", sa.Integer), sa.Column("comments", sa.Integer), sa.Column("likes", sa.Integer), sa.Column("views", sa.Integer),
    sa.Column("floors", sa.Text, nullable=False, server_default=""), sa.Column("job_id", sa.Integer),
    sa.UniqueConstraint("mention_id", "at"),
)

# Steps that wait: kind is judge, place. A row leaves in the transaction that holds its result.
work = sa.Table(
    "work", metadata,
    sa.Column("kind", sa.Text, primary_key=True), sa.Column("mention_id", sa.Integer, primary_key=True), sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"), sa.Column("fault", sa.Text), *_lease(),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),  # taken before the others (monitor/triage.py)
    sa.Index("work_urgent", "kind", "mention_id", sqlite_where=sa.text("urgent = 1"), postgresql_where=sa.text("urgent")),
)

scores = sa.Table(
    "scores", metadata,
    sa.Column("mention_id", sa.Integer, primary_key=True), sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False), _time("at", null=False),
    sa.Column("negative", sa.Float, nullable=False), sa.Column("neutral", sa.Float, nullable=False), sa.Column("positive", sa.Float, nullable=False),
    sa.Column("sentiment", sa.Text, nullable=False), sa.Column("alarm", sa.Boolean, nullable=False), sa.Column("relevance", sa.Float),
    sa.Column("aspect_sentiment", sa.Text), sa.Column("issue", sa.Text), sa.Column("issue_p", sa.Float), sa.Column("nature", sa.Text),
    sa.Column("noise", sa.Text), sa.Column("hostile", sa.Float), sa.Column("signals", sa.JSON, nullable=False), sa.Column("abstains", sa.Text),
    sa.Column("reasons", sa.JSON(none_as_null=True)),  # what decided issue, nature, noise and hostility; NULL in scores made before it was kept
)

stories = sa.Table(
    "stories", metadata,
    _id(), sa.Column("brand", sa.Text, nullable=False), sa.Column("lead_id", sa.Integer, nullable=False),
    sa.Column("title", sa.Text, nullable=False), sa.Column("issue", sa.Text),
    _time("first_appeared", null=False), _time("first_known", null=False), _time("last_known", null=False),
    sa.Column("stirred", sa.Integer, nullable=False, server_default="1"), sa.Column("decided", sa.Integer, nullable=False, server_default="0"),
    _time("stirred_saved_at"),  # machine: when what stirred it was saved
    _time("look_again_at"), *_lease(),
    sa.Column("terms", sa.JSON(none_as_null=True)),  # what it is told by (incidents/topics.Profile); NULL once a member was erased
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),  # what stirred it was urgent: decided before the others
    sa.Index("stories_brand", "brand", "last_known"), sa.Index("stories_look", "look_again_at"),
    sa.Index("stories_stirred", "stirred", sqlite_where=sa.text("stirred > decided"), postgresql_where=sa.text("stirred > decided")),
)

story_mentions = sa.Table(
    "story_mentions", metadata,
    sa.Column("mention_id", sa.Integer, primary_key=True), sa.Column("brand", sa.Text, primary_key=True),
    sa.Column("story_id", sa.Integer, nullable=False, index=True), sa.Column("why", sa.Text, nullable=False), _time("at", null=False),
    sa.Column("shared", sa.JSON(none_as_null=True)),  # the terms by which it joined, for why = topic or issue
)

# Locality-sensitive hashing: one row for each band of a mention's MinHash signature.
near_bands = sa.Table(
    "near_bands", metadata,
    sa.Column("brand", sa.Text, primary_key=True), sa.Column("band", sa.BigInteger, primary_key=True),
    sa.Column("mention_id", sa.Integer, primary_key=True), _time("at", null=False),
)

forecasts = sa.Table(
    "forecasts", metadata,
    _id(), sa.Column("story_id", sa.Integer, nullable=False), sa.Column("mention_id", sa.Integer, nullable=False),
    _time("made_at", null=False), sa.Column("metric", sa.Text, nullable=False), sa.Column("platform", sa.Text, nullable=False),
    _time("first_seen", null=False), sa.Column("observed", sa.Integer), sa.Column("body", sa.JSON, nullable=False),
    sa.Column("model", sa.Text, nullable=False), sa.Column("abstains", sa.Text), _time("matures_at", null=False), sa.Column("came", sa.Integer),
    sa.Index("forecasts_story", "story_id", "made_at"),
    sa.Index("forecasts_due", "matures_at", sqlite_where=sa.text("came IS NULL"), postgresql_where=sa.text("came IS NULL")),
)

# Heat of a whole story: its members' forecasts and the new ones to come (nlp/forecast/story.py). `came` is its heat when it matured.
story_forecasts = sa.Table(
    "story_forecasts", metadata,
    _id(), sa.Column("story_id", sa.Integer, nullable=False), _time("made_at", null=False), _time("matures_at", null=False),
    sa.Column("body", sa.JSON, nullable=False), sa.Column("came", sa.Float),
    sa.Index("story_forecasts_story", "story_id", "made_at"),
)

# The newest track of each brand ("" is all of them): what was foreseen, held against what came. Mentions by id, never by their words.
tracks = sa.Table(
    "tracks", metadata,
    sa.Column("brand", sa.Text, primary_key=True), _time("made_at", null=False), sa.Column("body", sa.JSON, nullable=False),
)

incidents = sa.Table(
    "incidents", metadata,
    _id(), sa.Column("number", sa.Text, nullable=False, unique=True), sa.Column("story_id", sa.Integer, nullable=False),
    sa.Column("brand", sa.Text, nullable=False), sa.Column("title", sa.Text, nullable=False),
    sa.Column("grade", sa.Integer, nullable=False), sa.Column("stage", sa.Text, nullable=False), sa.Column("episode", sa.Integer, nullable=False),
    _time("opened_at", null=False), _time("first_appeared", null=False), _time("closed_at"), sa.Column("root_cause", sa.Text),
    sa.Column("reasons", sa.JSON, nullable=False), sa.Column("holds_back", sa.JSON, nullable=False), sa.Column("playbook", sa.Text, nullable=False),
    sa.Column("owner", sa.Text), sa.Column("acked_by", sa.Text), _time("acked_at"), sa.Column("acked_grade", sa.Integer), _time("ack_until"),
    sa.Column("chain", sa.JSON, nullable=False), sa.Column("step", sa.Integer, nullable=False), _time("chain_from", null=False), sa.Column("round", sa.Integer, nullable=False, server_default="0"), _time("next_step_at"),
    sa.Column("brief", sa.JSON, nullable=False, server_default="{}"),
    _time("first_told_at"), _time("next_repeat_at"), _time("graded_at", null=False), _time("lower_since"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Index("incidents_open", "closed_at", "brand"), sa.Index("incidents_story", "story_id"),
)

clocks = sa.Table(
    "clocks", metadata,
    _id(), sa.Column("incident_id", sa.Integer, nullable=False), sa.Column("episode", sa.Integer, nullable=False), sa.Column("kind", sa.Text, nullable=False),
    _time("starts_at", null=False), _time("due_at", null=False), sa.Column("role", sa.Text, nullable=False), _time("met_at"), _time("breached_at"),
    sa.UniqueConstraint("incident_id", "episode", "kind"), sa.Index("clocks_due", "due_at"),
)

events = sa.Table(
    "events", metadata,
    _id(), sa.Column("incident_id", sa.Integer, nullable=False), _time("happened_at", null=False), _time("known_at", null=False),
    sa.Column("kind", sa.Text, nullable=False), sa.Column("by", sa.Text, nullable=False), sa.Column("values", sa.JSON, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, server_default=""), _time("redacted_at"),  # its words were erased; the digest is still of the first ones
    sa.Index("events_incident", "incident_id", "known_at"),
)

tasks = sa.Table(
    "tasks", metadata,
    _id(), sa.Column("incident_id", sa.Integer, nullable=False), sa.Column("episode", sa.Integer, nullable=False), sa.Column("line", sa.Text, nullable=False),
    sa.Column("pillar", sa.Text, nullable=False), sa.Column("title", sa.Text, nullable=False), sa.Column("role", sa.Text, nullable=False),
    _time("due_at"), sa.Column("due_words", sa.Text, nullable=False, server_default=""), sa.Column("evidence_kind", sa.Text, nullable=False), sa.Column("evidence_hint", sa.Text, nullable=False),
    sa.Column("help", sa.Text, nullable=False), sa.Column("seed", sa.Text, nullable=False), sa.Column("evidence", sa.JSON, nullable=False),
    _time("done_at"), sa.Column("done_by", sa.Text), sa.Column("waived", sa.Text), sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("incident_id", "episode", "line"),
)

outbox = sa.Table(
    "outbox", metadata,
    _id(), sa.Column("key", sa.Text, nullable=False, unique=True), sa.Column("incident_id", sa.Integer), sa.Column("episode", sa.Integer),
    sa.Column("grade", sa.Integer, nullable=False), sa.Column("reason", sa.Text, nullable=False), sa.Column("step", sa.Integer, nullable=False), sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("person", sa.Text, nullable=False), sa.Column("channel", sa.Text, nullable=False), sa.Column("mobile", sa.Text),
    sa.Column("body", sa.JSON, nullable=False), sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    _time("created_at", null=False), _time("due_at", null=False), _time("saved_at", null=False),  # saved_at: machine
    _time("not_before"),  # machine: back-off
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"), _time("sent_at"), _time("sent_machine"),
    sa.Column("answer", sa.Text), sa.Column("sent_text", sa.Text), sa.Column("rating", sa.Text), *_lease(),
    sa.Index("outbox_due", "state", "due_at"), sa.Index("outbox_incident", "incident_id"),
)

buckets = sa.Table(
    "buckets", metadata,
    sa.Column("channel", sa.Text, primary_key=True), sa.Column("tokens", sa.Float, nullable=False),
    _time("filled_at", null=False), _time("banned_until"),  # both machine
)

index_queue = sa.Table(
    "index_queue", metadata,
    sa.Column("mention_id", sa.Integer, primary_key=True), sa.Column("version", sa.Integer, nullable=False),
    _time("queued_at", null=False), sa.Column("attempts", sa.Integer, nullable=False, server_default="0"), sa.Column("fault", sa.Text),  # queued_at: machine
)

people = sa.Table(
    "people", metadata,
    _id(), sa.Column("login", sa.Text, nullable=False, unique=True), sa.Column("name", sa.Text, nullable=False), sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("mobile", sa.Text), sa.Column("channels", sa.JSON, nullable=False), sa.Column("password", sa.Text), sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"), _time("locked_until"),
)

# All machine time.
sessions = sa.Table(
    "sessions", metadata,
    sa.Column("digest", sa.Text, primary_key=True), sa.Column("login", sa.Text, nullable=False),
    _time("created_at", null=False), _time("seen_at", null=False), _time("expires_at", null=False), _time("revoked_at"),
)

login_links = sa.Table(
    "login_links", metadata,
    sa.Column("digest", sa.Text, primary_key=True), sa.Column("login", sa.Text, nullable=False), _time("expires_at", null=False), _time("used_at"),
)

audit = sa.Table(
    "audit", metadata,
    _id(), _time("at", null=False), sa.Column("who", sa.Text, nullable=False), sa.Column("what", sa.Text, nullable=False), sa.Column("values", sa.JSON, nullable=False),
)

# Searches that a team keeps: the query as it was typed, and what narrows it (source, platform, brand, sentiment, time).
searches = sa.Table(
    "searches", metadata,
    _id(), sa.Column("name", sa.Text, nullable=False, unique=True), sa.Column("query", sa.Text, nullable=False), sa.Column("narrowed", sa.JSON, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False), _time("made_at", null=False),
)

# What a person set aside for themselves: guide dismissed, language.
preferences = sa.Table(
    "preferences", metadata,
    sa.Column("login", sa.Text, primary_key=True), sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False),
)

# What must not come in again: kind is key, url or author; the digest is keyed, so that the table names nobody.
# `value` is what is still to be erased; it is emptied when that is done.
tombstones = sa.Table(
    "tombstones", metadata,
    sa.Column("kind", sa.Text, primary_key=True), sa.Column("digest", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False),
    _time("at", null=False), _time("done_at"), sa.Column("erased", sa.Integer, nullable=False, server_default="0"),
)

# One row for each day (Asia/Shanghai) on which mentions were let go; the digest covers their keys and the day before.
retention_proofs = sa.Table(
    "retention_proofs", metadata,
    sa.Column("day", sa.Text, primary_key=True), _time("cut", null=False), sa.Column("let_go", sa.Integer, nullable=False),
    sa.Column("kept_bare", sa.Integer, nullable=False), sa.Column("digest", sa.Text, nullable=False),
)

# What the team says of a mention; append-only, the newest of a field counts. `said` and the probabilities are the
# model's at that moment, `drawn` is random or uncertain, `dated` the mention's own time.
labels = sa.Table(
    "labels", metadata,
    _id(), sa.Column("mention_id", sa.Integer, nullable=False), sa.Column("brand", sa.Text, nullable=False), sa.Column("field", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False), sa.Column("said", sa.Text, nullable=False),
    sa.Column("negative", sa.Float, nullable=False), sa.Column("neutral", sa.Float, nullable=False), sa.Column("positive", sa.Float, nullable=False),
    sa.Column("model", sa.Text, nullable=False), sa.Column("drawn", sa.Text, nullable=False), _time("dated", null=False),
    sa.Column("made_by", sa.Text, nullable=False), _time("made_at", null=False),
    sa.Index("labels_brand", "brand", "mention_id"),
)
