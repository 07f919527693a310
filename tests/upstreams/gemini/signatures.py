"""Thought signatures: put on the parts of an answer, and recognised when they come back.

A call's signature covers its name and arguments; that of a text without calls hides the thoughts themselves, so it
holds whatever the text. Both hold for one account and one model family. They are compared as bytes, because clients
that type the field as bytes write the same value in another alphabet of base64.
"""

import base64
import json
from typing import Any

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.gemini.profiles import profile_of
from tests.upstreams.gemini.proto import decode_bytes
from tests.upstreams.gemini.shapes import bad
from tests.upstreams.gemini.turns import Content, Part, Turn, current_turn, turns_of
from tests.upstreams.signing import conceal, is_concealed, is_sealed, seal

BYPASSES = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
ABOUT = "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."


def sign_call(exchange: Exchange, call: dict[str, Any]) -> str:
    """Sign a functionCall."""
    return _written(seal(_essence(call), family=exchange.model.family, account=exchange.account))


def sign_text(exchange: Exchange, thoughts: str) -> str:
    """Sign a text that thoughts came before."""
    return _written(conceal(thoughts, family=exchange.model.family, account=exchange.account))


def _written(payload: str) -> str:
    return base64.b64encode(payload.encode()).decode()


def _essence(call: dict[str, Any]) -> str:
    return json.dumps([call.get("name"), _plain(call.get("args") or {})], sort_keys=True)


def _plain(value: Any) -> Any:
    """Spell whole numbers alike: the server keeps all numbers of arguments as doubles."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_signatures(exchange: Exchange, contents: list[Content]) -> None:
    """Raise Refusal unless every step of the current turn carries what was issued for it; counts the bypasses.

    A step is a model turn with calls; its first call has the signature. What stands before the current turn is
    not looked at.
    """
    start = current_turn(contents)
    for turn in turns_of(contents[start:]):
        if turn.role != "model":
            continue
        _check_present(exchange, turn, start)
        for part in turn.parts:
            _check_one(exchange, part)


def _check_present(exchange: Exchange, turn: Turn, start: int) -> None:
    first = next((part for part in turn.parts if "functionCall" in part), None)
    if first is None or "thoughtSignature" in first or not profile_of(exchange.model.base).signs:
        return
    raise bad(
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{first['functionCall'].get('name')}` , position {start + turn.first + 1}. {ABOUT}"
    )


def _check_one(exchange: Exchange, part: Part) -> None:
    given = part.get("thoughtSignature")
    if given is None:
        return
    payload = (decode_bytes(given) or b"").decode("latin-1")
    if given in BYPASSES or payload in BYPASSES:
        exchange.received.bypasses += 1
        return
    family, account = exchange.model.family, exchange.account
    if "functionCall" in part:
        ours = is_sealed(payload, _essence(part["functionCall"]), family=family, account=account)
    else:
        ours = is_concealed(payload, family=family, account=account)
    if not ours:
        raise _corrupted()


def _corrupted() -> Refusal:
    return bad("Corrupted thought signature.")
