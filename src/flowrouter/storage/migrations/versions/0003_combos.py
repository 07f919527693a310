"""Keep combos, and what routing chooses accounts by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add table and columns; accounts without a value have no tags and the weight 1."""
    op.create_table(
        "combos",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_combos"),
        sa.UniqueConstraint("owner_id", "name_key", name="uq_combos_owner_id_name_key"),
    )
    op.add_column("accounts", sa.Column("tags", sa.Text()))
    op.add_column("accounts", sa.Column("weight", sa.Integer()))
