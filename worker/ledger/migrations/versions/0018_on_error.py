"""What a job asked to be sent when not all went well; how often in a row a notice was stumbled over."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("on_error", sa.Text(), server_default="[]", nullable=False))
    op.add_column("notices", sa.Column("stumbles", sa.Integer(), server_default="0", nullable=False))
