"""Adapters for the gateway's ports: SQLite for what lasts, process memory or Redis for what does not.

Two halves. The data plane's half uses the standard `sqlite3` only, so that a gateway starts without
loading a database library: `boot` opens (or creates) the store and its vault, `config_source` reads
snapshots, `writer` takes finished exchanges (with `journal` behind it, `retention` beside it and `postings` to
the ledger in it), `budget_book` holds what budgets have given out,
`sealed_blobs`, `locks`, `model_lists`, `pauses` and `receipts` are small adapters, `memory_state` keeps short-lived
state. `state` chooses `fallback` over `redis_state` instead where Redis is configured, and loads them only
then. The people's half, behind `management` (import it late), is SQLAlchemy Core on `tables`;
Alembic in `migrations` is the schema's history, and `schema.sql` is its newest state written out,
which a contract test holds equal to it.
"""

from flowrouter.storage.boot import Store, open_store
from flowrouter.storage.budget_book import SqliteBudgetBook
from flowrouter.storage.config_source import SqliteConfigSource
from flowrouter.storage.locks import SqliteLock
from flowrouter.storage.memory_state import MemoryStateStore
from flowrouter.storage.model_lists import SqliteModelLists
from flowrouter.storage.pauses import SqlitePauses
from flowrouter.storage.receipts import SqliteReceipts
from flowrouter.storage.retention import Retention
from flowrouter.storage.sealed_blobs import SqliteSealedBlobs
from flowrouter.storage.state import open_state
from flowrouter.storage.writer import RequestWriter

__all__ = [
    "MemoryStateStore",
    "RequestWriter",
    "Retention",
    "SqliteBudgetBook",
    "SqliteConfigSource",
    "SqliteLock",
    "SqliteModelLists",
    "SqlitePauses",
    "SqliteReceipts",
    "SqliteSealedBlobs",
    "Store",
    "open_state",
    "open_store",
]
