"""The last good model list of each account, kept for the next start."""

from __future__ import annotations

from flowrouter.gateway.ports import ModelList
from flowrouter.storage.place import Place

_PUT = """
    INSERT INTO model_lists (account_id, owner_id, fetched_at_ms, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE
    SET owner_id = excluded.owner_id, fetched_at_ms = excluded.fetched_at_ms, body = excluded.body
"""

_ANNOUNCE = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'config_version'"


class StoredModelLists:
    """Keeps model lists; they are no change of the configuration, so no snapshot is made anew.

    With `announce` they count as one: then other processes take them up within a second.
    """

    def __init__(self, place: Place, *, announce: bool = False) -> None:
        self._place = place
        self._announce = announce

    async def put(self, model_list: ModelList) -> None:
        """Keep the list of its account, replacing the older one; raises `StorageError`."""
        await self._place.run(self._write, model_list)

    def _write(self, model_list: ModelList) -> None:
        values = (
            model_list.account_id,
            model_list.owner_id,
            model_list.fetched_at_ms,
            model_list.body.decode(),
        )
        with self._place.writing() as connection:
            connection.execute(_PUT, values)
            if self._announce:
                connection.execute(_ANNOUNCE)


__all__ = ["StoredModelLists"]
