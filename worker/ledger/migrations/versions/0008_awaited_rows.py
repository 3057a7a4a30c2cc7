"""Rows that a platform took and tells of later: by which name, which ones went, which of a stretch are a chunk's."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chunks", sa.Column("only", sa.Text(), nullable=True))
    op.add_column("chunks", sa.Column("went", sa.Text(), nullable=True))
    op.add_column("chunks", sa.Column("receipt", sa.String(length=160), nullable=True))
    op.add_column("jobs", sa.Column("narrow", sa.Text(), nullable=True))
