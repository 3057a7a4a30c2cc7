"""How far the list of a slot has been read."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("slots", sa.Column("place", sa.LargeBinary(), nullable=True))
