"""Adapters for the gateway's ports: SQLite or PostgreSQL for what lasts, process memory or Redis for the rest.

Two halves. The data plane's half is plain SQL on a `place`, which is `sqlite` or `postgres` (loaded only
where one is configured), so that a gateway on SQLite starts without loading a database library: `boot` opens
(or creates) the store and its vault, `config_source` reads snapshots, `writer` takes finished exchanges (with
`journal` behind it, `retention` beside it; `postings` is what a batch enters, by `insertion`), `budget_book` holds what
budgets have given out, `sealed_blobs`, `locks`, `model_lists`, `pauses` and `receipts` are small adapters,
`memory_state` keeps short-lived state. `state` chooses `fallback` over `redis_state` instead where Redis is
configured, and loads them only then. The people's half, behind `management` (import it late), is SQLAlchemy
Core on `tables`; Alembic in `migrations` is the schema's history, and `schema.sql` is its newest state
written out, which a contract test holds equal to it.
"""

from flowrouter.storage.boot import Store, open_store
from flowrouter.storage.budget_book import StoredBudgetBook
from flowrouter.storage.config_source import StoredConfigSource
from flowrouter.storage.locks import StoredLock
from flowrouter.storage.machine import machine_name
from flowrouter.storage.memory_state import MemoryStateStore
from flowrouter.storage.model_lists import StoredModelLists
from flowrouter.storage.pauses import StoredPauses
from flowrouter.storage.receipts import StoredReceipts
from flowrouter.storage.recording_writer import RecordingWriter
from flowrouter.storage.retention import Retention
from flowrouter.storage.sealed_blobs import StoredSealedBlobs
from flowrouter.storage.state import open_state
from flowrouter.storage.writer import RequestWriter

__all__ = [
    "MemoryStateStore",
    "RecordingWriter",
    "RequestWriter",
    "Retention",
    "Store",
    "StoredBudgetBook",
    "StoredConfigSource",
    "StoredLock",
    "StoredModelLists",
    "StoredPauses",
    "StoredReceipts",
    "StoredSealedBlobs",
    "machine_name",
    "open_state",
    "open_store",
]
