"""What else is said of a newsletter when it is planned and approved."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("newsletters", sa.Column("notes", sa.Text(), server_default="{}", nullable=False))
