"""Rows that a replay was promised are given to it a page at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "givings",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("taken_from", sa.String(20), nullable=False),
        sa.Column("codes", sa.Text, nullable=False),
        sa.Column("after", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("ix_givings_taken_from", "givings", ["taken_from"])
