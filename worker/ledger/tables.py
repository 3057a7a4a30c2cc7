"""The tables of jobs and what moves them. Personal data lies only in `payload`, `answer` and `signature`, encrypted."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    true,
)

from worker.ledger.schema import ROW_ID, claim_columns, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("operation", String(80), nullable=False),
    Column("account", String(80), nullable=False),
    Column("kind", String(8), nullable=False),  # call | file
    Column("key", Text),
    Column("key_hash", String(64), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("source", Text),
    Column("around", LargeBinary),  # what stands around the rows of a file in each request, sealed
    Column("stamp", String(80)),
    Column("options", Text, nullable=False, server_default="{}"),
    Column("on_unsure", String(5), nullable=False, server_default="park"),  # park | again
    Column("then", Text, nullable=False, server_default="[]"),
    Column("on_error", Text, nullable=False, server_default="[]"),
    Column("state", String(12), nullable=False),
    Column("verified", Boolean, nullable=False, server_default=true()),
    Column("told", Boolean, nullable=False, server_default=false()),
    Column("planned", Boolean, nullable=False, server_default=false()),
    Column("paused_in", String(12)),
    Column("paused_at", Float),  # since when, while it is paused
    Column("why", Text),
    Column("error", Text),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("going_since", Float),  # when its content began to be taken away: nothing reads it from then on
    Column("let_go_at", Float),  # when all of it was gone (retention)
    Column("guarded", Boolean, nullable=False, server_default=false()),  # max_refused was looked at
    Column("extra", Integer, nullable=False, server_default="0"),  # requests in place of refused ones
    Column("singles", Integer, nullable=False, server_default="0"),  # rows that went alone and were refused
    Column("narrow", Text),  # why its rows go one by one, though they were cut to go together
    Column("parent", String(20)),  # the job whose step this one is
    Column("step", String(40)),
    Column("urgent", Boolean, nullable=False, server_default=false()),  # an opt-out on its way: nothing is before it
    Column("replay_of", String(20)),  # the job some of whose rows this one sends again
    Column("rows_of", String(20)),  # the job whose source, and copy of it, the rows are read from
    Column("give_up_at", Float, nullable=False),
    Column("wake_at", Float, nullable=False, server_default="0"),
    *claim_columns(),
    UniqueConstraint("operation", "account", "key_hash"),
    Index(None, "state", "wake_at"),
    Index(None, "created_at"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("job_id", String(20), ForeignKey("jobs.id"), nullable=False),
    Column("account", String(80), nullable=False),
    Column("n", Integer, nullable=False),
    Column("state", String(8), nullable=False),  # waiting | claimed | sending | awaiting | unsure | done
    Column("offset", BigInteger, nullable=False, server_default="0"),
    Column("length", BigInteger, nullable=False),
    Column("first_row", BigInteger, nullable=False, server_default="1"),
    Column("lines", Integer, nullable=False, server_default="1"),
    Column("rows", Integer, nullable=False, server_default="1"),
    Column("checksum", String(64), nullable=False, server_default=""),
    Column("too_long", Boolean, nullable=False, server_default=false()),
    Column("payload", LargeBinary),
    Column("person", String(64)),  # a keyed hash: whom a call changes
    Column("stays", Text),  # numbers of rows that stay behind, said again further down
    Column("only", Text),  # numbers of the rows of its stretch that are its own; all, if not given
    Column("went", Text),  # numbers of the rows in the request that was last marked
    Column("receipt", String(160)),  # under which name the platform took them, to be asked about later
    Column("looks", Integer, nullable=False, server_default="0"),  # how often the platform was asked what became of it
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("deaths", Integer, nullable=False, server_default="0"),
    Column("suspect", Boolean, nullable=False, server_default=false()),
    Column("repeated", Boolean, nullable=False, server_default=false()),
    Column("sent_at", Float),
    Column("settled_at", Float),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("refused_by", Text),
    Column("skipped_by", Text),
    Column("answer", LargeBinary),
    Column("why", Text),
    Column("decided_by", String(80)),
    *claim_columns(),
    UniqueConstraint("job_id", "n"),
    Index(None, "job_id", "state", "n"),  # the next of a job, without sorting all that wait
    Index(None, "account", "sent_at"),
)
is_step, is_replay = jobs.c.parent.is_not(None), jobs.c.replay_of.is_not(None)
is_owned, is_file = jobs.c.owner.is_not(None), jobs.c.kind == literal_column("'file'")
is_reader = jobs.c.rows_of.is_not(None)
is_kept = and_(jobs.c.finished_at.is_not(None), jobs.c.let_go_at.is_(None))
Index("ix_jobs_kept", jobs.c.finished_at, sqlite_where=is_kept, postgresql_where=is_kept)
Index("ix_jobs_parent", jobs.c.parent, sqlite_where=is_step, postgresql_where=is_step)
Index("ix_jobs_replay_of", jobs.c.replay_of, sqlite_where=is_replay, postgresql_where=is_replay)
Index("ix_jobs_owner", jobs.c.owner, sqlite_where=is_owned, postgresql_where=is_owned)
Index("ix_jobs_file", jobs.c.finished_at, sqlite_where=is_file, postgresql_where=is_file)
Index("ix_jobs_rows_of", jobs.c.rows_of, sqlite_where=is_reader, postgresql_where=is_reader)
# The few chunks that wait for a moment, that are held, awaited or unsure, or that killed a process: all others stay
# out of these indexes, so that marking and settling does not pay for them. A query that shall use one has to name the
# same condition.
waits_for_a_moment = chunks.c.not_before > literal_column("0")
is_held = chunks.c.lease_until.is_not(None)
is_awaiting = chunks.c.state == literal_column("'awaiting'")
is_unsure = chunks.c.state == literal_column("'unsure'")
has_killed = chunks.c.deaths > literal_column("0")
is_ordered = chunks.c.person.is_not(None)
is_suspect = chunks.c.suspect.is_(true())
Index("ix_chunks_person", chunks.c.person, chunks.c.id, sqlite_where=is_ordered, postgresql_where=is_ordered)
Index("ix_chunks_waits", chunks.c.not_before, sqlite_where=waits_for_a_moment, postgresql_where=waits_for_a_moment)
Index("ix_chunks_held", chunks.c.lease_until, sqlite_where=is_held, postgresql_where=is_held)
Index("ix_chunks_awaiting", chunks.c.account, sqlite_where=is_awaiting, postgresql_where=is_awaiting)
by_job = (chunks.c.state, chunks.c.job_id, chunks.c.n, chunks.c.sent_at)
Index("ix_chunks_unsure", *by_job, sqlite_where=is_unsure, postgresql_where=is_unsure)
Index("ix_chunks_suspect", chunks.c.job_id, chunks.c.n, sqlite_where=is_suspect, postgresql_where=is_suspect)
Index("ix_chunks_deaths", chunks.c.settled_at, sqlite_where=has_killed, postgresql_where=has_killed)

refusals = Table(
    "refusals",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("chunk_id", ROW_ID, ForeignKey("chunks.id"), nullable=False),
    Column("job_id", String(20), nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("last", BigInteger),
    Column("code", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("advice", Text, nullable=False, server_default=""),
    Index(None, "job_id", "row"),
    Index(None, "chunk_id"),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", String(255), primary_key=True),  # the Celery task id
    Column("job_id", String(20), ForeignKey("jobs.id"), nullable=False),
    Column("state", String(8), nullable=False),  # waiting | handed
    Column("signature", LargeBinary, nullable=False),
    *claim_columns(),
    Index(None, "state", "not_before"),
    Index(None, "job_id"),
)

keepsakes = Table(
    "keepsakes",  # small things that are kept sealed: the key of hashes of persons, what a platform wants handed back
    metadata,
    Column("id", String(160), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

doors = Table(
    "doors",
    metadata,
    Column("id", String(80), primary_key=True),  # the account, platform/name
    Column("state", String(12), nullable=False),  # open | probing | closed | forbidden
    Column("in_a_row", Integer, nullable=False, server_default="0"),
    Column("step", Float, nullable=False, server_default="0"),
    Column("busy_until", Float, nullable=False, server_default="0"),
    Column("why", Text),
    *claim_columns(),
)

posts = Table(
    "posts",  # what exactly one process of all may do at a time: sweep
    metadata,
    Column("id", String(40), primary_key=True),
    *claim_columns(),
)

processes = Table(
    "processes",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("seen_at", Float, nullable=False),
)
