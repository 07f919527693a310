"""Give accounts what their owner knows of their limits, and how much of them is kept back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no value means no limit of the owner's, and nothing kept back."""
    op.add_column("accounts", sa.Column("quota", sa.Text()))
    op.add_column("accounts", sa.Column("reserve", sa.Text()))
