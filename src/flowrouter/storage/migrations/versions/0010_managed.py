"""Say which applied file owns what is stored, and which of its fields."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no value means that the console owns all of it."""
    for table in ("accounts", "combos", "keys", "users", "settings"):
        op.add_column(table, sa.Column("managed", sa.Text()))
