"""An outline says of an answer what a full reading says, or nothing."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowrouter.canonical.cursor import at_end, whole
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.outline import Outline
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.response import Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import available, codec
from flowrouter.wire.json import JsonError, loads
from tests.vectors.loader import vectors

_WHENCE = Provenance(dialect="openai_chat", family="any", account_id="any")
_BODIES = [(vector.dialect, vector.body) for vector in vectors("responses")]
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1.5,
    "",
    "word",
    [],
    {},
    [{}],
    {"type": "text"},
    [None],
    "error",
    "tool_use",
)


def _outlined(answer: Response) -> Outline:
    """Return the outline of an answer that was read in full."""
    cursor = whole(answer)
    finish = cursor.finishes.get(0)
    called = tuple([part.name for part in cursor.parts if part.name is not None])
    return Outline(cursor.id, cursor.model, cursor.usage, finish.reason if finish else None, called)


def _agree(dialect: Dialect, body: bytes) -> bool:
    """Check an outline, if there is one, against the full reading, which must be possible; return whether it was."""
    told = codec(dialect).outline(body)
    if told is None or not _is_read(body):
        return False
    assert told == _outlined(codec(dialect).parse_response(body, _WHENCE))
    return True


def _is_read(body: bytes) -> bool:
    """Return whether all numbers have a place in memory: one that has none may pass where nobody looks at it."""
    try:
        loads(body)
    except JsonError as error:
        if "out of range" not in str(error):
            raise
        return False
    return True


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        found += _places(member, (*path, name))
    return found


@pytest.mark.parametrize("dialect", available())
def test_every_dialect_has_an_outline_of_its_common_answers(dialect: Dialect) -> None:
    outlined = [_agree(dialect, body) for spoken, body in _BODIES if spoken == dialect]
    assert sum(outlined) >= 5, f"{sum(outlined)} of {len(outlined)}"


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_an_answer_with_another_member_is_told_alike(data: st.DataObject) -> None:
    dialect, body = data.draw(st.sampled_from(_BODIES))
    answer = json.loads(body)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(_places(answer) or [()]))
        if not path:
            return
        holder = answer
        for name in path[:-1]:
            holder = holder[name]
        if data.draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = deepcopy(data.draw(st.sampled_from(_VALUES)))
    _agree(dialect, json.dumps(answer).encode())


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_BODIES), st.integers(0), st.binary(max_size=2))
@example(("openai_chat", b"[]"), 0, b"")
def test_damaged_bytes_are_told_alike(told: tuple[Dialect, bytes], at: int, written: bytes) -> None:
    dialect, body = told
    at %= len(body)
    _agree(dialect, body[:at] + written + body[at + 1 :])


def test_a_cursor_at_the_end_tells_the_same() -> None:
    outline = Outline("id", "model", Usage(input=1, output=2), "tool_calls", ("one", "two"))
    cursor = at_end(outline, "anthropic")
    assert cursor.started
    assert cursor.meaningful
    assert cursor.ended
    assert (cursor.origin, cursor.id, cursor.model, cursor.usage) == (
        "anthropic",
        "id",
        "model",
        outline.usage,
    )
    assert cursor.finishes[0].reason == "tool_calls"
    assert [part.name for part in cursor.parts] == ["one", "two"]
    assert not any(part.is_open for part in cursor.parts)
