"""Calls go out in order for each person; lost ones are looked up; small sealed keepsakes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ORDERED = sa.text("person IS NOT NULL")


def upgrade() -> None:
    op.add_column("chunks", sa.Column("person", sa.String(length=64), nullable=True))
    op.add_column("chunks", sa.Column("looks", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_chunks_person", "chunks", ["person", "id"], sqlite_where=ORDERED, postgresql_where=ORDERED)
    op.create_table(
        "keepsakes",
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
