"""Calls that tell a platform of an opt-out go before all others."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False))
