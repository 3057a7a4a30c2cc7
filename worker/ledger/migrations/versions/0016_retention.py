"""When the content of an ended job was let go."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEPT = sa.text("finished_at IS NOT NULL AND let_go_at IS NULL")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("let_go_at", sa.Float(), nullable=True))
    op.create_index("ix_jobs_kept", "jobs", ["finished_at"], sqlite_where=KEPT, postgresql_where=KEPT)
