"""`flow-router providers resume`: asks an account again at once, whatever it pauses for."""

from __future__ import annotations

import asyncio

from flowrouter.cli import output
from flowrouter.cli.desk import Desk, opened
from flowrouter.cli.options import AccountName, ConfigFile, DataFolder
from flowrouter.errors import StorageError


def resume(
    name: AccountName,
    *,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Let an account that pauses be asked again at once; a running gateway notices within a second."""
    with opened(config, data) as desk:
        ended = asyncio.run(let_in(desk, desk.account(name).id))
    print(f"{name!r} may be asked again." if ended else f"{name!r} does not pause for long.")


async def let_in(desk: Desk, account_id: str) -> int:
    """End the kept and the shared pauses of an account, forget what its provider said of quotas; count both.

    Those of less than a minute are the running gateway's own and end by themselves.
    """
    application = desk.application
    try:
        await application.state.open()
        quotas = await application.quota_keeping.forget(account_id)
        return quotas + await application.cooldowns.resume(account_id)
    except StorageError as error:
        output.note(f"its pauses cannot be ended: {error.message}")
        return 0
    finally:
        await application.tasks.close(grace=1.0)
        await application.state.close()


__all__ = ["let_in", "resume"]
