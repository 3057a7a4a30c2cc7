"""Notices carry what happened and when, are told apart, wait longer each time, and can be quarantined."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    with op.batch_alter_table("notices") as batch_op:
        batch_op.alter_column("state", existing_type=sa.String(length=8), type_=sa.String(length=12), nullable=False)
        batch_op.add_column(sa.Column("account", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("mark", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("content", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("rank", sa.SmallInteger(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("taken", sa.Text(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("why", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("happened_at", sa.Float(), nullable=True))
        batch_op.create_unique_constraint("uq_notices_mark", ["mark"])
    op.create_index("ix_notices_next", "notices", ["rank", "id"], sqlite_where=WAITING, postgresql_where=WAITING)
