"""Change no table: attempts are kept without the names of their fields from here on, of receipts only a rest.

This version reads both; one before it reads only names, so it must not be let near such a store.
"""

from __future__ import annotations

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Leave what is there: it is read as it is."""
