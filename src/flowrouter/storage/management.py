"""The people's half of the store in one object; importing this loads SQLAlchemy."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flowrouter.clock import Clock
from flowrouter.storage.account_usage import StoredAccountUsage
from flowrouter.storage.accounts import StoredAccounts
from flowrouter.storage.audit import StoredAudit
from flowrouter.storage.boot import Store
from flowrouter.storage.combos import StoredCombos
from flowrouter.storage.database import Database
from flowrouter.storage.keys import StoredKeys
from flowrouter.storage.ledger import StoredLedger
from flowrouter.storage.login_sessions import StoredSessions
from flowrouter.storage.ownership import StoredOwnership
from flowrouter.storage.recordings import StoredRecordings
from flowrouter.storage.requests import StoredRequests
from flowrouter.storage.settings import SettingsStore
from flowrouter.storage.traffic import StoredTraffic
from flowrouter.storage.users import StoredUsers


class Management:
    """The repositories behind `/api` and the CLI; their methods block."""

    def __init__(self, store: Store, *, clock: Clock, audit_days: int = 400) -> None:
        self._database = Database(store.place)
        self.accounts = StoredAccounts(self._database, store.vault, clock=clock)
        self.combos = StoredCombos(self._database, clock=clock)
        self.keys = StoredKeys(self._database, clock=clock)
        self.settings = SettingsStore(self._database, clock=clock)
        self.requests = StoredRequests(self._database)
        self.traffic = StoredTraffic(self._database)
        self.recordings = StoredRecordings(self._database, store.vault, clock=clock)
        self.ledger = StoredLedger(self._database)
        self.account_usage = StoredAccountUsage(self._database)
        self.ownership = StoredOwnership(self._database)
        self.users = StoredUsers(self._database, store.vault, clock=clock)
        self.sessions = StoredSessions(self._database, clock=clock)
        self.audit = StoredAudit(self._database, clock=clock, days=audit_days)

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of all that this thread asks of the repositories meanwhile."""
        return self._database.together()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


__all__ = ["Management"]
