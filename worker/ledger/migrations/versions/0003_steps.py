"""Jobs of several steps: each step is a job of its own that knows whose it is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IS_STEP = sa.text("parent IS NOT NULL")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("parent", sa.String(length=20), nullable=True))
    op.add_column("jobs", sa.Column("step", sa.String(length=40), nullable=True))
    op.create_index("ix_jobs_parent", "jobs", ["parent"], sqlite_where=IS_STEP, postgresql_where=IS_STEP)
