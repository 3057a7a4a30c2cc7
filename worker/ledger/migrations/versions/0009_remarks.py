"""Remarks on rows that went all the same."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "remarks",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("chunk_id", ROW_ID, nullable=False),
        sa.Column("job_id", sa.String(length=20), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunks.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_remarks_job_id_row", "remarks", ["job_id", "row"])
    op.create_index("ix_remarks_chunk_id", "remarks", ["chunk_id"])
