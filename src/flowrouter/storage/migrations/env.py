"""Alembic's entry: runs the migrations on the connection it is handed, in one transaction.

Nothing is configured here and no address is read: `storage.migrating` passes an open connection in the
attributes, a test the name of a dialect, to have its SQL printed.
"""

from __future__ import annotations

from alembic import context

from flowrouter.storage.tables import metadata


def _run() -> None:
    attributes = context.config.attributes
    if context.is_offline_mode():
        context.configure(dialect_name=attributes["dialect_name"], target_metadata=metadata)
    else:
        context.configure(connection=attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


_run()
