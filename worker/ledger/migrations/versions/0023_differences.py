"""Where a platform's list says otherwise of somebody than the register; and since when a job is paused."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "differences",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("slot_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("found_at", sa.Float, nullable=False),
    )
    op.create_index("ix_differences_slot_id", "differences", ["slot_id"])
    op.create_index("ix_differences_found_at", "differences", ["found_at"])
    op.add_column("jobs", sa.Column("paused_at", sa.Float))
    op.execute("UPDATE jobs SET paused_at = created_at WHERE state = 'paused'")
