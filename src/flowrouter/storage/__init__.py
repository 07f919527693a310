"""Adapters for the gateway's ports: SQLite for what lasts, process memory for what does not.

Two halves. The data plane's half uses the standard `sqlite3` only, so that a gateway starts without
loading a database library: `boot` opens (or creates) the store and its vault, `config_source` reads
snapshots, `writer` takes finished exchanges (with `journal` behind it and `retention` beside it),
`sealed_blobs`, `model_lists` and `receipts` are small adapters, `memory_state` keeps short-lived
state. The people's half, behind `management` (import it late), is SQLAlchemy Core on `tables`;
Alembic in `migrations` is the schema's history, and `schema.sql` is its newest state written out,
which a contract test holds equal to it.
"""

from flowrouter.storage.boot import Store, open_store
from flowrouter.storage.config_source import SqliteConfigSource
from flowrouter.storage.memory_state import MemoryStateStore
from flowrouter.storage.model_lists import SqliteModelLists
from flowrouter.storage.receipts import SqliteReceipts
from flowrouter.storage.retention import Retention
from flowrouter.storage.sealed_blobs import SqliteSealedBlobs
from flowrouter.storage.writer import RequestWriter

__all__ = [
    "MemoryStateStore",
    "RequestWriter",
    "Retention",
    "SqliteConfigSource",
    "SqliteModelLists",
    "SqliteReceipts",
    "SqliteSealedBlobs",
    "Store",
    "open_store",
]
