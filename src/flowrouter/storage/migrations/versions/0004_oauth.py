"""Let accounts get their access tokens by OAuth 2."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no value means that the account has a key of its own, or needs none."""
    op.add_column("accounts", sa.Column("oauth_sealed", sa.LargeBinary()))
