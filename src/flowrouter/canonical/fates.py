"""What became of each field of a request, for the receipt: from names and losses alone, after the fact."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Literal, cast, get_args

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.field_names import FIELD_NAMES, field_name
from flowrouter.canonical.leftovers import NESTED
from flowrouter.canonical.loss import Loss, anywhere, rule_id, rule_of

Lane = Literal["passthrough", "translate"]
"""Whether a body goes as it is, or through the hub."""

FateKind = Literal["passed", "mapped", "approximated", "emulated", "dropped", "refused"]

_OF_KIND: Mapping[str, FateKind] = {"dropped": "dropped", "emulated": "emulated", "changed": "approximated"}
_GRAVITY: tuple[FateKind, ...] = get_args(FateKind)
"""From best to worst."""
_KNOWN_TO_THE_HUB = (
    "model", "messages", "system", "tools", "tool_choice", "temperature", "top_p", "top_k",
    "presence_penalty", "frequency_penalty", "seed", "n", "logit_bias", "logprobs", "top_logprobs",
    "max_tokens", "stop", "stream", "verbosity", "user", "metadata", "service_tier",
)  # fmt: skip


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one field: `passed` as it was, `mapped` to the target's own word for it, or worse.

    `rules` name the losses inside it, each once. A field of which only a part was lost (a message of many)
    is `approximated`.
    """

    field: str
    fate: FateKind
    rules: tuple[str, ...] = ()


def member_names(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a client's body: its members, those of configuration objects one level deeper."""
    if NESTED.isdisjoint(body):
        return tuple(body)
    names: list[str] = []
    for name, value in body.items():
        if name in NESTED and isinstance(value, dict) and value:
            names += [f"{name}.{inner}" for inner in cast("dict[str, Any]", value)]
        else:
            names.append(name)
    return tuple(names)


def fates(
    names: Sequence[str],
    losses: Sequence[Loss],
    *,
    lane: Lane,
    origin: Dialect,
    target: Dialect,
    edited: Collection[str] = (),
    refused: str | None = None,
) -> tuple[Fate, ...]:
    """Return the fate of each field in `names` (see `member_names`), in their order.

    `edited` are the owned fields that were rewritten on the passthrough lane (`model`), `refused` the
    `param` of the refusal that ended the request. A loss of no field among `names` is told under the
    first step of its own path, so that none is left out.
    """
    alike = lane == "passthrough" or origin == target
    fields = list(names)
    told: dict[str, list[Loss]] = {}
    for loss in losses:
        told.setdefault(_field_of(loss.path, fields), []).append(loss)
    blamed = None if refused is None else _field_of(refused, fields)
    owned = frozenset(edited)
    shared = frozenset[str]() if alike else _shared(origin, target)
    result: list[Fate] = []
    for field in dict.fromkeys([*fields, *told, *(() if blamed is None else (blamed,))]):
        inside = told.get(field, ())
        if not inside and field != blamed:
            smooth = field not in owned and (alike or field in shared)
            result.append(Fate(field=field, fate="passed" if smooth else "mapped"))
            continue
        kinds: list[FateKind] = [_kind(loss, field) for loss in inside]
        rules = [rule_id(loss, origin, target) for loss in inside]
        if refused is not None and field == blamed:
            kinds.append("refused")
            rules.append(rule_of(refused, "refused", origin=origin, target=target))
        worst = max(kinds, key=_GRAVITY.index)
        result.append(Fate(field=field, fate=worst, rules=tuple(dict.fromkeys(rules))))
    return tuple(result)


def _field_of(path: str, names: Sequence[str]) -> str:
    """Return the field of `names` that holds `path`, else the path's first step."""
    plain = anywhere(path).replace("[]", "")
    holding = [name for name in names if plain == name or plain.startswith(f"{name}.")]
    if holding:
        return max(holding, key=len)
    below = [name for name in names if name.startswith(f"{plain}.")]
    return below[0] if below else plain.split(".")[0]


def _kind(loss: Loss, field: str) -> FateKind:
    whole = loss.path == field or field.startswith(f"{loss.path}.")
    kind = _OF_KIND[loss.kind]
    return "approximated" if kind == "dropped" and not whole else kind


@cache
def _shared(origin: Dialect, target: Dialect) -> frozenset[str]:
    """Return the fields that have one name and one form in both dialects."""
    listed = {*_KNOWN_TO_THE_HUB, *FIELD_NAMES[origin], *FIELD_NAMES[target]}
    plain = {name for name in listed if field_name(origin, name) == field_name(target, name)}
    return frozenset(field_name(origin, name) for name in plain) - _OTHERWISE_SAID


_OTHERWISE_SAID = frozenset({"messages", "system", "tools", "tool_choice"})
"""Fields whose names are alike while their form differs from dialect to dialect."""

__all__ = ["Fate", "FateKind", "Lane", "fates", "member_names"]
