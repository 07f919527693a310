"""Give accounts and keys what the owner decides about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no value means the program's own choice."""
    op.add_column("accounts", sa.Column("unsupported", sa.Text()))
    op.add_column("keys", sa.Column("policy", sa.Text()))
