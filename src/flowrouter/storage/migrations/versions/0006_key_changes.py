"""Let keys be changed: switched off and on again, and told apart by version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no value means enabled, and never changed."""
    op.add_column("keys", sa.Column("disabled_at_ms", sa.BigInteger()))
    op.add_column("keys", sa.Column("version", sa.BigInteger()))
