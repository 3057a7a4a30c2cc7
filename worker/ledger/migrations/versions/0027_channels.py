"""Which channel each part of what is watched has; who looked into the quarantine, and what they made of it."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("watched", sa.Column("channels", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "handlings",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("notice_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=True),
        sa.Column("did", sa.String(length=10), nullable=False),
        sa.Column("said_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("written_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_handlings_notice_id", "handlings", ["notice_id"])
