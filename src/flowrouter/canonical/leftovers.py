"""What of a request only its own dialect knows, on its way to another: refused where it holds meaning.

A member that names content the gateway cannot see (a stored conversation, a cached prompt) is refused:
without it another question would be asked. So is an answer asked for in a form the target has not. All
else is told as a loss, members of the nested configuration objects one by one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from flowrouter.canonical.losses import Losses, unheeded_reasoning
from flowrouter.canonical.parts import Opaque
from flowrouter.canonical.request import Request
from flowrouter.wire.members import is_nothing

NESTED = frozenset(
    {"generationConfig", "output_config", "reasoning", "stream_options", "text", "toolConfig"}
)  # fmt: skip
"""Objects whose members are settings of their own; losses and fates name each."""

_UNSEEN = {
    "previous_response_id": "it names an answer that another vendor holds",
    "conversation": "it names a conversation that another vendor holds",
    "prompt": "it names a prompt that another vendor holds",
    "cachedContent": "it names cached content that another vendor holds",
}
_COMPACTED = "it stands for a conversation that only its own vendor can read"
_UNSEEN_PARTS = {
    "item_reference": "it names an item that another vendor holds",
    "compaction": _COMPACTED,
    "compaction_summary": _COMPACTED,
    "context_compaction": _COMPACTED,
    "compaction_trigger": "the target compacts no conversation",
}


def leave_behind(
    request: Request, losses: Losses, *, answers: Collection[str] = ("text",), taken: Collection[str] = ()
) -> None:
    """Refuse or note every member of `request.extra` but those `taken`.

    `answers` are the kinds of answer the target gives. Raises `CallerError` where the policy lets nothing
    of that kind be dropped.
    """
    if request.extra:
        extra = {name: value for name, value in request.extra.items() if name not in taken}
        _leave_members(extra, losses, answers)
    if request.reasoning is not None:
        for name, value in unheeded_reasoning(request).items():
            if not is_nothing(value):
                losses.drop(name, "nothing is made of it beside the rest of what was asked of reasoning")


def _leave_members(extra: dict[str, Any], losses: Losses, answers: Collection[str]) -> None:
    for name, reason in _UNSEEN.items():
        if not is_nothing(extra.pop(name, None)):
            losses.refuse(name, reason)
    if extra.get("background") is True:
        losses.refuse("background", "answers are given at once here, none is kept for later")
        del extra["background"]
    for place in ("", "generationConfig"):
        holder = _mapping(extra.get(place)) if place else extra
        name = "responseModalities" if place else "modalities"
        if name in holder:
            rest = {key: value for key, value in holder.items() if key != name}
            extra = {**extra, place: rest} if place else rest
            _answer_kinds(holder[name], f"{place}.{name}" if place else name, losses=losses, answers=answers)
    for name in [name for name in NESTED if isinstance(extra.get(name), dict)]:
        losses.unknown(_mapping(extra.pop(name)), name)
    losses.unknown(extra)


def _answer_kinds(value: object, path: str, *, losses: Losses, answers: Collection[str]) -> None:
    asked = [str(kind).lower() for kind in cast("list[object]", value)] if isinstance(value, list) else []
    missing = [kind for kind in asked if kind not in answers]
    if missing and len(missing) == len(asked):
        losses.refuse(path, f"the target gives no {' or '.join(missing)}")
    elif missing:
        losses.drop(path, f"the target gives no {' or '.join(missing)}")


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def words_of(part: Opaque) -> str | None:
    """Return the words of a foreign part that another model can read, None where there are none.

    A compaction stands for the whole conversation before it, run code and its output for a step.
    """
    payload = part.payload
    match payload:
        case {"type": "compaction", "content": str(text)} if text:
            return f"Summary of the conversation so far:\n{text}"
        case {"executableCode": {"code": str(code)}}:
            return f"```{_language(payload)}\n{code}\n```"
        case {"codeExecutionResult": {"output": str(output)}}:
            return f"```\n{output}\n```"
        case _:
            return None


def _language(payload: dict[str, Any]) -> str:
    language = payload["executableCode"].get("language")
    return language.lower() if isinstance(language, str) and "UNSPECIFIED" not in language else ""


def lose_opaque(part: Opaque, losses: Losses) -> None:
    """Note a part that only its own vendor knows; raises `CallerError` for one that names unseen content."""
    kind = part.payload.get("type")
    reason = _UNSEEN_PARTS.get(str(kind))
    if reason is not None:
        losses.refuse(losses.path(part), reason)
    elif kind == "additional_tools":
        losses.emulate(losses.path(part), "its tools are offered from the beginning on")
    elif kind == "compaction":
        losses.refuse(losses.path(part), "it stands for a conversation that only its own vendor can read")
    else:
        told = kind or next(iter(part.payload), "nothing")
        losses.drop(losses.path(part), f"only {part.origin} knows the part {told!s}")


__all__ = ["NESTED", "leave_behind", "lose_opaque", "words_of"]
