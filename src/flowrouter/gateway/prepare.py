"""Makes one attempt's request: on the passthrough lane the client's bytes, else a translation."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.head import Head
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.receipt import Lane
from flowrouter.canonical.rendered import ReplyEdits
from flowrouter.canonical.rewrite import ReplyRewriter
from flowrouter.dialects import codec
from flowrouter.gateway.embeddings import question
from flowrouter.gateway.envelopes import holds_envelopes
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.learned import STREAM_OPTIONS
from flowrouter.gateway.missing_usage import UsageGap
from flowrouter.gateway.reasoning import ReasoningState, Sealer
from flowrouter.gateway.sinks import Editor
from flowrouter.gateway.world import World
from flowrouter.hookspecs import Stage
from flowrouter.providers import adapter
from flowrouter.providers.preset import Preset
from flowrouter.routing import Target
from flowrouter.wire.http import HttpRequest


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt ready to go: the request, and what its reply needs on the way back."""

    target: Target
    account: Account
    preset: Preset
    capabilities: Capabilities
    lane: Lane
    request: HttpRequest
    edits: tuple[Editor, ...] = ()
    losses: tuple[Loss, ...] = ()
    sealer: Sealer | None = None


def prepare(
    exchange: Exchange,
    world: World,
    target: Target,
    *,
    stages: Sequence[Stage],
    reasoning: ReasoningState,
    refused: frozenset[str] = frozenset(),
) -> Prepared:
    """Return the request for `target`; raises `CallerError` (cannot be expressed) or `AdapterError`.

    `refused` names optional fields this target is known to answer 400 to.
    """
    head, inbound = exchange.head, exchange.inbound
    assert head is not None
    account, preset = world.accounts[target.account_id], world.presets[target.account_id]
    capabilities = world.capabilities(preset, target.model, target.dialect)
    if STREAM_OPTIONS in refused:
        capabilities = msgspec.structs.replace(capabilities, stream_options=False)
    active = [stage for stage in stages if stage.applies(head, exchange.caller)]
    same = target.dialect == inbound.dialect
    own_headers = {name: value.reveal() for name, value in account.headers}
    edits: tuple[Editor, ...] = ()
    losses: tuple[Loss, ...] = ()
    sealer: Sealer | None = None
    untouched = same and not active and world.reply_model != "asked"
    operation: adapter.Operation = inbound.operation
    lane: Lane = "passthrough"
    if inbound.operation != "generate":
        asked = question(exchange, target, capabilities)
        operation, body, lane, losses = asked.operation, asked.body, asked.lane, asked.losses
    elif untouched and _may_pass(inbound.body, head, capabilities):
        body = codec(target.dialect).prepare(
            inbound.body, head, target.model, head.stream and capabilities.stream_options
        )
    else:
        lane = "translate"
        sealer = None if same else reasoning.sealer(target, exchange.caller)
        body, edits, losses, extra = _translate(
            exchange, target, capabilities=capabilities, stages=active, reasoning=reasoning, sealer=sealer
        )
        own_headers = {**extra, **own_headers}
    request = adapter.build(
        preset,
        target.dialect,
        api_key=account.api_key.reveal() if account.api_key else None,
        base_url=account.base_url,
        operation=operation,
        model=target.model,
        body=body,
        stream=head.stream,
        client_headers=inbound.headers,
        same_dialect=same,
        account_headers=own_headers,
    )
    return Prepared(
        target=target,
        account=account,
        preset=preset,
        capabilities=capabilities,
        lane=lane,
        request=request,
        edits=edits,
        losses=losses,
        sealer=sealer,
    )


def _may_pass(body: bytes, head: Head, capabilities: Capabilities) -> bool:
    """Return whether the host can take the client's own bytes: no sealed state, no field it refuses."""
    return not holds_envelopes(body) and (capabilities.stream_options or head.include_usage is None)


def _translate(
    exchange: Exchange,
    target: Target,
    *,
    capabilities: Capabilities,
    stages: Sequence[Stage],
    reasoning: ReasoningState,
    sealer: Sealer | None,
) -> tuple[bytes, tuple[Editor, ...], tuple[Loss, ...], dict[str, str]]:
    inbound = exchange.inbound
    request = parsed(exchange)
    for stage in stages:
        request = stage.edit_request(request)
    request = reasoning.open(request, target, owner_id=exchange.caller.owner_id)
    rendered = codec(target.dialect).render_request(request, target.model, capabilities)
    editors = [*_undo(rendered.edits), *_reply_editors(stages)]
    if sealer is not None:
        editors.append(sealer.edit)
    if codec(inbound.dialect).needs_usage:
        editors.append(UsageGap(exchange).edit)
    return rendered.body, tuple(editors), rendered.losses, dict(rendered.headers)


def _undo(edits: ReplyEdits) -> list[Editor]:
    return [ReplyRewriter(edits).feed] if edits else []


def _reply_editors(stages: Sequence[Stage]) -> list[Editor]:
    made = (stage.edit_reply() for stage in stages)
    return [editor for editor in made if editor is not None]


__all__ = ["Prepared", "prepare"]
