"""What is looked for often is found among the few it can be."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

FEW = (
    ("ix_jobs_owner", "jobs", ["owner"], "owner IS NOT NULL"),
    ("ix_jobs_file", "jobs", ["finished_at"], "kind = 'file'"),
    ("ix_jobs_rows_of", "jobs", ["rows_of"], "rows_of IS NOT NULL"),
    ("ix_chunks_awaiting", "chunks", ["account"], "state = 'awaiting'"),
    ("ix_chunks_unsure", "chunks", ["state", "job_id", "n", "sent_at"], "state = 'unsure'"),
    ("ix_chunks_deaths", "chunks", ["settled_at"], "deaths > 0"),
    ("ix_notices_over", "notices", ["state", "created_at"], "state != 'waiting'"),
    ("ix_notices_owner", "notices", ["owner"], "owner IS NOT NULL"),
    ("ix_slots_job_id", "slots", ["job_id", "schedule"], "job_id IS NOT NULL"),
    ("ix_slots_settled", "slots", ["settled_at"], "settled_at IS NOT NULL"),
    ("ix_slots_owner", "slots", ["owner"], "owner IS NOT NULL"),
)


def upgrade() -> None:
    for name, table, columns, which in FEW:
        op.create_index(name, table, columns, sqlite_where=sa.text(which), postgresql_where=sa.text(which))
    op.create_index("ix_messages_message", "messages", ["message"])
