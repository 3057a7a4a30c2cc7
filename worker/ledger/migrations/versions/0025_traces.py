"""By what a row is found again."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "traces",
        sa.Column("job_id", sa.String(length=20), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "row", "who"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_traces_who_job_id", "traces", ["who", "job_id"])
