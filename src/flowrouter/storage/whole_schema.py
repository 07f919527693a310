"""Every table of the schema, registered: what works on all of them takes `metadata` from here, not from `tables`.

A table is known to SQLAlchemy once its module was imported; whoever forgot one would pass over it in silence.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from flowrouter.storage.tables import metadata

for _found in sorted(Path(__file__).parent.glob("*_tables.py")):
    importlib.import_module(f"flowrouter.storage.{_found.stem}")

__all__ = ["metadata"]
