"""Messages to persons, as the platform tells of them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("message", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=64), nullable=True),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column("job_id", sa.String(length=20), nullable=True),
        sa.Column("chunk", sa.Integer(), nullable=True),
        sa.Column("row", sa.BigInteger(), nullable=True),
        sa.Column("cascade", sa.String(length=40), nullable=True),
        sa.Column("cascade_trigger", sa.String(length=40), nullable=True),
        sa.Column("status", sa.String(length=40), server_default="", nullable=False),
        sa.Column("statuses", sa.Text(), server_default="{}", nullable=False),
        sa.Column("told_at", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "message", name="uq_messages_account_message"),
    )
    for columns in (["account", "cascade"], ["job_id", "chunk"], ["email"], ["phone"]):
        op.create_index(f"ix_messages_{'_'.join(columns)}", "messages", columns)
