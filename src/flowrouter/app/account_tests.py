"""Does an account work? One real, tiny call, and what happened on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowrouter.accounts.oauth import RefreshError
from flowrouter.api.admin import AccountTest
from flowrouter.api.admin.deps import AccountTestStep, Hear
from flowrouter.errors import ConfigError
from flowrouter.gateway.probe import Hear as Tell
from flowrouter.gateway.probe import Probe
from flowrouter.providers.adapter import resolve_base_url
from flowrouter.upstream.reach import Step, reach

if TYPE_CHECKING:
    from flowrouter.app.engine import Engine
    from flowrouter.gateway.trial import Outcome

_REACH_SECONDS = 5.0


class AccountTests:
    """Tests the accounts of one program."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def run(self, account_id: str, hear: Hear | None = None) -> AccountTest:
        """Make one call through an account, tell each step to `hear`, and return what came of it."""
        from flowrouter.gateway.trial import Trial

        engine, world = self._engine, self._engine.configuration.world
        tell = None if hear is None else self._teller(hear)
        account, preset = world.accounts[account_id], world.presets[account_id]
        if tell is not None:
            await self._reach(account_id, tell)
        try:
            ready = await engine.credentials.ready(account)
        except RefreshError as error:
            if tell is not None:
                await tell("token", error.message, False)
            return AccountTest(ok=False, error=error.message)
        trial = Trial(
            ready,
            preset,
            world=world,
            transport=engine.transport,
            lister=engine.lister,
            clock=engine.clock,
            limit=engine.config.timeouts.first_byte,
            say=lambda line: engine.log.debug("account test", said=line),
            hear=tell,
        )
        found = await trial.run()
        if found.ok:
            await engine.cooldowns.resume(account_id)
        return _told(found)

    def _teller(self, hear: Hear) -> Tell:
        clock = self._engine.clock
        began = clock.monotonic()

        async def tell(name: str, text: str, ok: bool) -> None:
            at_ms = round((clock.monotonic() - began) * 1000)
            await hear(AccountTestStep(at_ms=at_ms, name=name, text=text, ok=ok))

        return tell

    async def _reach(self, account_id: str, tell: Tell) -> None:
        """Tell how far a connection gets, where the gateway makes it itself."""
        engine, world = self._engine, self._engine.configuration.world
        account, preset = world.accounts[account_id], world.presets[account_id]
        probe = Probe(
            account,
            preset,
            world=world,
            transport=engine.transport,
            lister=engine.lister,
            clock=engine.clock,
            limit=_REACH_SECONDS,
        )
        try:
            base = resolve_base_url(preset, probe.dialect, override=account.base_url)
        except ConfigError:
            return  # the test itself says so
        if engine.config.upstream.proxy or engine.transport.is_mounted(base):
            return

        async def heard(step: Step, text: str) -> None:
            await tell(step, text, True)

        found = await reach(base, limit=_REACH_SECONDS, guard=engine.egress, hear=heard)
        if found.failed is not None:
            await tell(found.failed, found.reason, False)


def _told(found: Outcome) -> AccountTest:
    return AccountTest(
        ok=found.ok,
        model=found.model,
        dialect=found.dialect,
        reply=found.reply,
        took_ms=found.took_ms,
        models=len(found.models) if found.models is not None else None,
        error=found.error,
        advice=found.advice,
    )


__all__ = ["AccountTests"]
