"""When the content of an ended job began to be let go: from then on nothing reads it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("going_since", sa.Float(), nullable=True))
