"""Rows of a job that were sent again by another one, each once."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_REPLAY = sa.text("replay_of IS NOT NULL")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("replay_of", sa.String(length=20), nullable=True))
    op.add_column("jobs", sa.Column("rows_of", sa.String(length=20), nullable=True))
    op.create_index("ix_jobs_replay_of", "jobs", ["replay_of"], sqlite_where=IS_REPLAY, postgresql_where=IS_REPLAY)
    op.create_table(
        "replays",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("chunk_id", ROW_ID, nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("job_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunks.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chunk_id", "code", name="uq_replays_chunk_id_code"),
    )
    op.create_index("ix_replays_job_id", "replays", ["job_id"])
