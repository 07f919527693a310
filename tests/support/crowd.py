"""How many ask at once where budgets are under fire."""

from __future__ import annotations

import os

CROWD = int(os.environ.get("CROWD", "250"))
"""No bound depends on it; `make storm` sends a thousand."""
