"""What hosts teach by refusing: optional fields a model there does not take, remembered for a day.

A 400 that names an optional field is worth one more try without it (`routing.refusal` says which
are optional); the next request knows. What was left out is a `Loss` of the exchange.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.field_names import FIELD_NAMES
from flowrouter.canonical.loss import Loss
from flowrouter.gateway.ports import StateStore
from flowrouter.routing import Target
from flowrouter.routing.refusal import RENAMED, present, snake, spelt
from flowrouter.wire.json import loads
from flowrouter.wire.splice import remove, rename

KEPT_SECONDS = 24 * 3600.0

_WHY = "the provider refuses it for this model (learned from its 400)"
STREAM_OPTIONS = "stream_options"


class Learned:
    """Refused fields by account and model, in the state all workers share.

    `any` is False as long as there can be none: nobody else writes here, and nothing was noted.
    """

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self.any = state.shared

    async def refused(self, target: Target) -> frozenset[str]:
        """Return the fields that `target` is known to refuse."""
        kept = await self._state.get(_key(target))
        return frozenset(kept.decode().split("\n")) if kept else frozenset()

    async def note(self, target: Target, field: str) -> frozenset[str]:
        """Remember that `target` refuses `field`; return all that it refuses."""
        self.any = True
        fields = await self.refused(target) | {field}
        await self._state.put(_key(target), "\n".join(sorted(fields)).encode(), ttl=KEPT_SECONDS)
        return fields


class Trimmed(msgspec.Struct, frozen=True, kw_only=True):
    """A body without what its target refuses, and what went."""

    body: bytes
    losses: tuple[Loss, ...]


def asked_for(fields: frozenset[str], body: bytes, *, target: Dialect, client: Dialect) -> frozenset[str]:
    """Return which of the target's `fields` the client's own `body` has; ours, and mere names, are none."""
    own = fields - RENAMED.get(target, {}).keys() - {STREAM_OPTIONS}
    sent = loads(body) if own else None
    return frozenset(field for field in own if present(sent, _clients_name(field, target, client)))


def trim(body: bytes, refused: frozenset[str], *, target: Dialect, client: Dialect) -> Trimmed:
    """Return `body` of the dialect `target` without the `refused` members, told in the client's names."""
    losses: list[Loss] = []
    renamed = RENAMED.get(target, {})
    # A body is read only where it seems to hold one of them: most never do.
    named = sorted(field for field in refused - {STREAM_OPTIONS} if _names_in(body, field))
    sent = loads(body) if named else None
    for field in named:
        spelling = spelt(sent, field)
        if spelling is None:
            continue
        path = spelling if target == client else _clients_name(field, target, client)
        if field in renamed:
            body = rename(body, field, renamed[field])
            losses.append(Loss(path=path, kind="changed", reason=f"sent as {renamed[field]}; {_WHY}"))
        else:
            body = remove(body, spelling)
            losses.append(Loss(path=path, kind="dropped", reason=_WHY))
    return Trimmed(body=body, losses=tuple(losses))


def _names_in(body: bytes, field: str) -> bool:
    name = field.rpartition(".")[2]
    return any(b'"%b"' % spelling.encode() in body for spelling in (name, snake(name)))


def _clients_name(field: str, target: Dialect, client: Dialect) -> str:
    """Return what the client calls a field of the target's dialect: as it is, where no table knows."""
    if target == client:
        return field
    canonical = {name: key for key, name in FIELD_NAMES[target].items()}.get(field, field.rpartition(".")[2])
    return FIELD_NAMES[client].get(canonical, canonical)


def _key(target: Target) -> str:
    return f"refused:{target.account_id}:{target.model}"


__all__ = ["STREAM_OPTIONS", "Learned", "Trimmed", "asked_for", "trim"]
