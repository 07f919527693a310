"""Charts over time where the sums that are kept do not reach as far back as one another."""

from __future__ import annotations

from pathlib import Path

from flowrouter.clock import DAY_MS, SystemClock
from flowrouter.gateway.ports import RequestFilter
from flowrouter.storage import open_store
from flowrouter.storage.database import Database
from flowrouter.storage.postings import enter
from flowrouter.storage.request_sums import HOUR_MS
from flowrouter.storage.traffic import StoredTraffic
from tests.contracts.fakes import request_row

MIDNIGHT = 20_000 * DAY_MS


def test_the_rest_is_never_less_than_nothing(tmp_path: Path) -> None:
    """Old hours go, days stay: of the day between, a zone's hours know less than the sums of UTC's day."""
    rows = [
        request_row(hour, ts_ms=MIDNIGHT + hour * HOUR_MS, model="rare" if hour % 12 == 5 else "usual")
        for hour in range(72)
    ]
    store = open_store(tmp_path, master_key=None, clock=SystemClock())
    with store.place.writing() as connection:
        enter(store.place, connection, rows)
        connection.execute(
            "DELETE FROM request_slots WHERE width_ms = ? AND slot_ms < ?",
            (HOUR_MS, MIDNIGHT + DAY_MS + 12 * HOUR_MS),
        )
    database = Database(store.place)
    which = RequestFilter(since_ms=MIDNIGHT - HOUR_MS)
    found = StoredTraffic(database).series(which, split="model", span="day", offset_minutes=60, top=1)
    database.close()
    usual, rest = found.lines
    assert (usual.group, rest.rest) == ("usual", True)
    amounts = {at - MIDNIGHT + HOUR_MS: line.requests for at, line in rest.points.items()}
    assert all(amount >= 0 for amount in amounts.values()), amounts
    assert amounts[2 * DAY_MS] == 2, "what is all there is told as it is"
