"""What was last accepted of whom; rows of a chunk that stay behind; what a job used of its extra requests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("id", sa.LargeBinary(length=16), primary_key=True),
        sa.Column("content", sa.LargeBinary(length=16), nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("chunks", sa.Column("stays", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("guarded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("extra", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("singles", sa.Integer(), nullable=False, server_default="0"))
