"""Which refused rows a mended sheet sends again."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mended",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("taken_from", sa.String(20), nullable=False),
        sa.Column("rows", sa.Text, nullable=False),
    )
    op.create_index("ix_mended_taken_from", "mended", ["taken_from"])
