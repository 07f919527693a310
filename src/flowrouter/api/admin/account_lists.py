"""`/api/accounts/{id}/models` and `…/test`: what an account offers, and whether it works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.api.admin.accounts import shown
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.deps import AccountTest, AccountTestStep, Hear
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import paged
from flowrouter.errors import CallerError, ConfigError, UpstreamError
from flowrouter.httpkit.bodies import Receive
from flowrouter.httpkit.replies import STREAM_HEADERS, Send, send_head, send_last, send_piece
from flowrouter.providers.listing import ListedModel
from flowrouter.wire import json

EVENTS = "text/event-stream"
"""What a caller accepts who wants to be told of steps."""

T = TypeVar("T")

Origin = Literal["manual", "live", "preset"]


class AccountModel(msgspec.Struct, frozen=True, kw_only=True):
    """One name of an account's list.

    `origin`: written by hand (names and globs; they win), listed by the provider, or known from the
    preset because the provider was not asked yet. Sizes in tokens, `created` in seconds since 1970.
    `generates` is false for models that only make embeddings.
    """

    id: str
    origin: Origin
    display_name: str | None = None
    created: int | None = None
    context_window: int | None = None
    max_output: int | None = None
    generates: bool = True


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """How many models the provider listed."""

    account_id: str
    models: int


async def list_account_models(call: Call) -> Reply:
    """Return the names an account answers for."""
    return paged(_models(call.account(), call), call.query, key=lambda model: (model.id,))


async def refresh_account_models(call: Call) -> Reply:
    """Ask the provider for its list now."""
    account = call.account()
    preset = call.deps.world().presets.get(account.id)
    _refuse_unusable(account, call)
    if preset is not None and preset.models.shape == "none":
        raise refusal(f"{preset.name} has no model list", status=409, code="no_model_list")
    found = await _asked(lambda: call.deps.refresh_models(account.id), account)
    return Reply(notices=await call.publish(), data=Refreshed(account_id=account.id, models=len(found)))


async def try_account(call: Call) -> Reply:
    """Make one real, tiny call; a failure is the finding, not an error of this route.

    Who accepts `text/event-stream` is told each step as it happens.
    """
    account = call.account()
    _refuse_unusable(account, call)
    if EVENTS not in call.headers.get("accept", ""):
        return Reply(data=await _tested(account, call, None))

    async def write(_receive: Receive, send: Send) -> None:
        async def hear(step: AccountTestStep) -> None:
            told = msgspec.structs.replace(step, text=clean(step.text, account))
            await send_piece(send, _event("step", told))

        await send_head(send, 200, STREAM_HEADERS["sse"])
        try:
            found = await _tested(account, call, hear)
        except Exception as error:  # noqa: BLE001 - the status has left: what went wrong is the result
            found = _broken(error, account, call)
        await send_last(send, _event("result", found))

    return Reply(write=write)


async def _tested(account: Account, call: Call, hear: Hear | None) -> AccountTest:
    test = call.deps.test_account
    began = call.deps.clock.monotonic()
    try:
        if test is not None:
            found = await _asked(lambda: test(account.id, hear), account)
        else:
            models = await _asked(lambda: call.deps.refresh_models(account.id), account)
            found = AccountTest(ok=True, models=len(models))
    except CallerError as error:
        found = AccountTest(ok=False, error=error.message)
    took = found.took_ms if found.took_ms is not None else _since(began, call)
    said = {
        name: clean(text, account) for name in ("reply", "error", "advice") if (text := getattr(found, name))
    }
    return msgspec.structs.replace(found, took_ms=took, **said)


def _broken(error: Exception, account: Account, call: Call) -> AccountTest:
    """Return what is told of a defect of ours."""
    call.log.error("an account's test failed", error=error, account=account.name)
    return AccountTest(ok=False, error="the test failed in the gateway; the log has the reason")


def _event(name: str, data: msgspec.Struct) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + json.dumps(data) + b"\n\n"


def clean(text: str, account: Account) -> str:
    """Return a provider's words without the account's secrets, which some repeat."""
    for secret in (account.api_key, *(value for _, value in account.headers)):
        if secret is not None and (plain := secret.reveal()):
            text = text.replace(plain, "***")
    return logs.redact(text)


async def _asked(question: Callable[[], Awaitable[T]], account: Account) -> T:
    try:
        return await question()
    except UpstreamError as error:
        raise refusal(clean(error.message, account), status=502, code="upstream_error") from None
    except ConfigError as error:
        raise refusal(clean(error.message, account), status=409, code="account_unusable") from None


def _refuse_unusable(account: Account, call: Call) -> None:
    problem = shown(account, call).problem
    if problem:
        raise refusal(f"the account cannot be used: {problem}", status=409, code="account_unusable")


def _models(account: Account, call: Call) -> list[AccountModel]:
    if account.models:
        return [AccountModel(id=name, origin="manual") for name in dict.fromkeys(account.models)]
    world = call.deps.world()
    live = world.listed.get(account.id)
    if live is not None:
        return [_listed(model) for model in live]
    preset = world.presets.get(account.id)
    return [AccountModel(id=name, origin="preset") for name in (preset.models.static if preset else ())]


def _listed(model: ListedModel) -> AccountModel:
    return AccountModel(origin="live", **{name: getattr(model, name) for name in model.__struct_fields__})


def _since(began: float, call: Call) -> int:
    return round((call.deps.clock.monotonic() - began) * 1000)


__all__ = ["AccountModel", "Refreshed", "list_account_models", "refresh_account_models", "try_account"]
