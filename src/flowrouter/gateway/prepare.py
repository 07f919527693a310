"""Makes one attempt's request: on the passthrough lane the client's bytes, else a translation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.receipt import Lane
from flowrouter.canonical.rendered import NO_EDITS
from flowrouter.canonical.request import Request
from flowrouter.canonical.rewrite import ReplyRewriter
from flowrouter.dialects import codec
from flowrouter.gateway.editors import Editor
from flowrouter.gateway.effort import with_effort
from flowrouter.gateway.embeddings import question
from flowrouter.gateway.envelopes import holds_envelopes
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.foreign_state import is_foreign, without_state
from flowrouter.gateway.learned import STREAM_OPTIONS, asked_for, trim
from flowrouter.gateway.missing_usage import UsageGap
from flowrouter.gateway.pictures import needed, with_pictures
from flowrouter.gateway.reasoning import ReasoningState, Sealer
from flowrouter.gateway.world import Destination, World
from flowrouter.hookspecs import Stage
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.providers import adapter
from flowrouter.providers.preset import Preset
from flowrouter.routing import Target
from flowrouter.wire.http import SENT, HttpRequest

IDEMPOTENCY = "idempotency-key"
"""Names a request, so that a provider answers it once however often it is sent."""

_SHARED_MAX = 1_000
"""Addresses with headers that a world keeps: clients choose some of the headers."""

_HEADERS_MAX = 1_000


class Prepared(msgspec.Struct, eq=False):
    """An attempt ready to go: the request, let go once content has left, and what its reply needs on the way back.

    `destination` is the target's, its account with the access token it has now. `rewriters` change what the reply says;
    `reasoning` seals its state, with `marks` as in `ReasoningState.sealer`.
    """

    target: Target
    destination: Destination
    capabilities: Capabilities
    lane: Lane = "passthrough"
    request: HttpRequest = SENT
    rewriters: tuple[Editor, ...] = ()
    losses: tuple[Loss, ...] = ()
    reasoning: ReasoningState | None = None
    marks: bool = False
    sealer: Sealer | None = None
    _edits: tuple[Editor, ...] | None = None

    @property
    def account(self) -> Account:
        """Return who is asked."""
        return self.destination.account

    @property
    def preset(self) -> Preset:
        """Return the account's preset."""
        return self.destination.preset

    def edits(self, exchange: Exchange) -> tuple[Editor, ...]:
        """Return who edits the reply event by event; most answers leave in one piece, and need nobody."""
        made = self._edits
        if made is None:
            made = self._edits = self._made(exchange) if self.lane == "translate" else ()
        return made

    def _made(self, exchange: Exchange) -> tuple[Editor, ...]:
        editors = [*self.rewriters]
        if self.reasoning is not None:
            self.sealer = self.reasoning.sealer(self.target, exchange.caller, marks=self.marks)
            editors.append(self.sealer)
        if codec(exchange.inbound.dialect).needs_usage:
            editors.append(UsageGap(exchange))
        return tuple(editors)

    def spare(self) -> None:
        """Let go of what was sent: streams are long, and bodies may be large."""
        self.request = SENT


def prepare(
    exchange: Exchange,
    world: World,
    target: Target,
    *,
    destination: Destination,
    stages: Sequence[Stage],
    reasoning: ReasoningState,
    refused: frozenset[str] = frozenset(),
) -> Prepared:
    """Return the request for `target`; raises `CallerError` (cannot be expressed) or `AdapterError`.

    `destination` is the target's own, its account with the access token it has now. `refused` names optional fields that
    the target is known to answer 400 to: they are left out.
    """
    head, inbound, capabilities = exchange.head, exchange.inbound, destination.capabilities
    assert head is not None
    if refused and STREAM_OPTIONS in refused:
        capabilities = msgspec.structs.replace(capabilities, stream_options=False)
    policy = exchange.caller.policy.unsupported
    if policy is not None:
        capabilities = msgspec.structs.replace(capabilities, unsupported=policy)
    if stages:
        stages = _applying(stages, exchange)
    prepared = Prepared(target, destination, capabilities)
    if inbound.operation != "generate":
        _ask_otherwise(prepared, exchange, world)
    elif (
        target.dialect == inbound.dialect
        and target.effort is None
        and exchange.amend is None
        and not stages
        and not world.named
        and not (exchange.pictures and needed(capabilities))
        and (capabilities.stream_options or head.include_usage is None)  # no field that the host refuses
        and not ((exchange.stateless or exchange.stay is not None) and is_foreign(exchange, target))
        and not _enveloped(exchange)
    ):
        body = inbound.body
        if head.stream or target.model != head.model:  # else it has nothing that a codec would change
            wants_usage = head.stream and capabilities.stream_options
            body = codec(target.dialect).prepare(body, head, target.model, wants_usage)
        if exchange.hold is not None:
            body = _limited(body, exchange, target, capabilities=capabilities)
        prepared.request = _addressed(prepared, body, exchange, world=world)
    else:
        _translate(prepared, exchange, world, stages=stages, reasoning=reasoning)
    if exchange.continuation is not None:
        prepared.losses = (*_written_out(exchange), *prepared.losses)
    return _trimmed(prepared, refused, exchange) if refused else prepared


def _applying(stages: Sequence[Stage], exchange: Exchange) -> Sequence[Stage]:
    """Return those of `stages` that edit the exchange."""
    head = exchange.head
    assert head is not None
    return [stage for stage in stages if stage.applies(head, exchange.caller)]


def passes(exchange: Exchange, world: World, target: Target, *, stages: Sequence[Stage]) -> bool:
    """Return whether the client's own bytes go to `target`, as far as that can be told without reading them."""
    inbound = exchange.inbound
    if inbound.operation != "generate":
        return True
    edited = bool(stages) or world.named or target.effort is not None
    edited = edited or exchange.amend is not None or bool(exchange.pictures) or is_foreign(exchange, target)
    return target.dialect == inbound.dialect and not edited and not _enveloped(exchange)


def _addressed(
    prepared: Prepared,
    body: bytes,
    exchange: Exchange,
    *,
    world: World,
    operation: adapter.Operation = "generate",
    added: adapter.Headers = (),
) -> HttpRequest:
    """Return `body` with its address and headers, which are built once where requests of an account share them.

    `added` are the translation's own.
    """
    head, inbound, account = exchange.head, exchange.inbound, prepared.destination.account
    assert head is not None
    target = prepared.target
    dialect = target.dialect
    passed = adapter.passed_on(inbound.headers, dialect) if dialect == inbound.dialect else ()
    place = (account.id, dialect, operation, head.stream, passed, added)
    known = world.known_requests.get(place)
    if known is not None and known[0] is account:
        built = known[1]
        return HttpRequest(method=built.method, url=built.url, headers=built.headers, body=body)
    own_headers = {name: value.reveal() for name, value in account.headers}
    request = adapter.build(
        world.presets[target.account_id],
        dialect,
        api_key=account.api_key.reveal() if account.api_key else None,
        base_url=account.base_url,
        operation=operation,
        model=target.model,
        body=body,
        stream=head.stream,
        client_headers=_of_owner(inbound.headers, exchange.caller.owner_id),
        same_dialect=dialect == inbound.dialect,
        account_headers={**dict(added), **own_headers},
    )
    if operation == "generate" and dialect != "gemini" and _may_be_shared((*passed, *added)):
        if len(world.known_requests) >= _SHARED_MAX:
            world.known_requests.clear()
        world.known_requests[place] = (account, msgspec.structs.replace(request, body=b""))
    return request


def _may_be_shared(headers: adapter.Headers) -> bool:
    """Return whether other requests may well have the same `headers`, which are short enough to be kept."""
    size = 0
    for name, value in headers:
        size += len(value)
        if name == IDEMPOTENCY:
            return False
    return size <= _HEADERS_MAX


def _of_owner(headers: Mapping[str, str], owner_id: str) -> Mapping[str, str]:
    """Return a client's headers with what makes a request the same as an earlier one kept apart by owner.

    Owners share the operator's accounts: by another one's idempotency key a provider would answer with what it
    answered them.
    """
    given = headers.get(IDEMPOTENCY)
    if not given or owner_id == LOCAL_OWNER:
        return headers
    digest = hashlib.sha256(f"{owner_id}\0{given}".encode("utf-8", "replace")).hexdigest()
    return {**headers, IDEMPOTENCY: digest}


def _written_out(exchange: Exchange) -> tuple[Loss, ...]:
    """Return what is to be told where the history was sent instead of the name of an answer."""
    follows = exchange.continuation
    if follows is None or exchange.inbound.body is follows.body:
        return ()
    reason = "this target does not hold the answer, so the history is written out"
    return (Loss(path="previous_response_id", kind="emulated", reason=reason),)


def _ask_otherwise(prepared: Prepared, exchange: Exchange, world: World) -> None:
    """Ask for what is no conversation: vectors, or a shorter history."""
    inbound, head, target = exchange.inbound, exchange.head, prepared.target
    assert head is not None
    if inbound.operation == "compact":
        body = codec(target.dialect).prepare(inbound.body, head, target.model, False)
        prepared.request = _addressed(prepared, body, exchange, world=world, operation="compact")
        return
    asked = question(exchange, target, prepared.capabilities)
    prepared.lane, prepared.losses = asked.lane, asked.losses
    prepared.request = _addressed(prepared, asked.body, exchange, world=world, operation=asked.operation)


def _enveloped(exchange: Exchange) -> bool:
    """Return whether the body holds state sealed for us; looked for once, since it may be long."""
    if exchange.enveloped is None:
        inbound = exchange.inbound
        exchange.enveloped = holds_envelopes(inbound.body, inbound.dialect)
    return exchange.enveloped


def _translate(
    prepared: Prepared,
    exchange: Exchange,
    world: World,
    *,
    stages: Sequence[Stage],
    reasoning: ReasoningState,
) -> None:
    """Ask with a translation, or with the client's own body once it was edited."""
    inbound, target, capabilities = exchange.inbound, prepared.target, prepared.capabilities
    same = target.dialect == inbound.dialect
    request = parsed(exchange)
    if exchange.amend is not None:
        request = exchange.amend(request)
    if exchange.hold is not None and (limit := output_limit(exchange, capabilities)) is not None:
        request = msgspec.structs.replace(request, max_tokens=limit)
    if target.effort is not None:
        request = with_effort(request, target.effort, capabilities)
    losses: tuple[Loss, ...] = ()
    if is_foreign(exchange, target):
        request, losses = without_state(request)
    if exchange.pictures and needed(capabilities):
        request, fetched = with_pictures(request, exchange.pictures)
        losses = (*losses, *fetched)
    if not same:
        prepared.reasoning, prepared.marks = reasoning, _misses_state(request)
    if stages:
        # What they are given is theirs to take apart.
        request = msgspec.structs.replace(request, messages=tuple(request.messages))
    for stage in stages:
        request = stage.edit_request(request)
    request = reasoning.open(request, target, owner_id=exchange.caller.owner_id)
    rendered = codec(target.dialect).render_request(request, target.model, capabilities)
    if rendered.edits is not NO_EDITS and rendered.edits:
        prepared.rewriters = (ReplyRewriter(rendered.edits).feed,)
    if stages:
        prepared.rewriters = (*prepared.rewriters, *_reply_editors(stages))
    prepared.lane = "translate"
    prepared.losses = (*losses, *rendered.losses) if losses else rendered.losses
    prepared.request = _addressed(prepared, rendered.body, exchange, world=world, added=rendered.headers)


def output_limit(exchange: Exchange, capabilities: Capabilities) -> int | None:
    """Return the limit of output that a hard budget sends a request with whose client named none."""
    hold = exchange.hold
    if hold is None or hold.sent is None:
        return None
    most = capabilities.max_output
    return hold.sent if most is None else min(hold.sent, most)


def _limited(body: bytes, exchange: Exchange, target: Target, *, capabilities: Capabilities) -> bytes:
    """Return a body that passes as it is, with the limit of output that a hard budget sends it with."""
    limit, edit = output_limit(exchange, capabilities), codec(target.dialect).limited
    return body if limit is None or edit is None else edit(body, limit, capabilities)


def _trimmed(prepared: Prepared, refused: frozenset[str], exchange: Exchange) -> Prepared:
    """Return `prepared` without the members its target is known to refuse."""
    target, client = prepared.target.dialect, exchange.inbound.dialect
    leave = refused - must_stay(refused, prepared, exchange)
    trimmed = trim(prepared.request.body, leave, target=target, client=client)
    if not trimmed.losses:
        return prepared
    request = msgspec.structs.replace(prepared.request, body=trimmed.body)
    return msgspec.structs.replace(prepared, request=request, losses=(*prepared.losses, *trimmed.losses))


def must_stay(fields: frozenset[str], prepared: Prepared, exchange: Exchange) -> frozenset[str]:
    """Return which of `fields` may not be left out: by the policy `refuse`, those the client asked for."""
    if prepared.capabilities.unsupported != "refuse":
        return frozenset()
    inbound = exchange.inbound
    return asked_for(fields, inbound.body, target=prepared.target.dialect, client=inbound.dialect)


def _misses_state(request: Request) -> bool:
    """Return whether the client's own vendor refuses a step with calls that bears no state of its own.

    Google always does (Gemini 3), Anthropic where a thinking budget is set.
    """
    if request.origin == "anthropic":
        return request.reasoning is not None and request.reasoning.mode == "budget"
    return request.origin == "gemini"


def _reply_editors(stages: Sequence[Stage]) -> list[Editor]:
    made = (stage.edit_reply() for stage in stages)
    return [editor for editor in made if editor is not None]


__all__ = ["IDEMPOTENCY", "Prepared", "must_stay", "output_limit", "passes", "prepare"]
