"""Suspects are found among the few there are, not among all that wait."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    on_sqlite, on_postgresql = sa.text("suspect IS 1"), sa.text("suspect IS true")
    columns = ["job_id", "n"]
    op.create_index("ix_chunks_suspect", "chunks", columns, sqlite_where=on_sqlite, postgresql_where=on_postgresql)
