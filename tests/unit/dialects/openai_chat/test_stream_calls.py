"""Tool calls put together from the deltas of every kind of host."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.parts import Text, ToolCall
from tests.unit.dialects.openai_chat.streams import DONE, calls, chunk, told

ENDED = chunk(finish="tool_calls")


def entry(index: int | None, **members: Any) -> dict[str, Any]:
    """Return a tool call delta: `id`, `name` and `arguments` in their places, where given."""
    function = {name: members.pop(name) for name in ("name", "arguments") if name in members}
    held: dict[str, Any] = {} if index is None else {"index": index}
    return {**held, **members, **({"function": function} if function else {})}


def made(*pieces: Any, **options: Any) -> list[tuple[str, str, str]]:
    """Return the calls that `pieces` fold to, as id, name and arguments."""
    parts = told(*pieces, **options).parts
    return [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]


@pytest.mark.parametrize(
    "pieces",
    [
        # The vendor's own form.
        [
            calls(entry(0, id="a", type="function", name="f", arguments="")),
            calls(entry(0, arguments='{"x"')),
            calls(entry(0, arguments=":1}")),
            calls(entry(1, id="b", name="g", arguments="")),
            calls(entry(1, arguments="{}")),
        ],
        # No index: a new id is a new call.
        [
            calls(entry(None, id="a", name="f", arguments='{"x"')),
            calls(entry(None, arguments=":1}")),
            calls(entry(None, id="b", name="g")),
            calls(entry(None, id="b", arguments="{}")),
        ],
        # No index and no repetition, whole calls side by side.
        [calls(entry(None, id="a", name="f", arguments='{"x":1}'), entry(None, id="b", name="g", arguments="{}"))],
        # Index from 1.
        [calls(entry(1, id="a", name="f", arguments='{"x":1}')), calls(entry(2, id="b", name="g", arguments="{}"))],
        # Id and name in every delta.
        [
            calls(entry(0, id="a", name="f", arguments='{"x"')),
            calls(entry(0, id="a", name="f", arguments=":1}")),
            calls(entry(1, id="b", name="g", arguments="{")),
            calls(entry(1, id="b", name="g", arguments="}")),
        ],
        # The id only in the second delta.
        [
            calls(entry(0, name="f")),
            calls(entry(0, id="a", arguments='{"x":1}')),
            calls(entry(1, name="g", arguments="{")),
            calls(entry(1, id="b", arguments="}")),
        ],
        # Late id without index.
        [calls(entry(None, name="f")), calls(entry(None, id="a", arguments='{"x":1}')), calls(entry(None, id="b", name="g", arguments="{}"))],
        # All under one index.
        [calls(entry(0, id="a", name="f", arguments='{"x":1}')), calls(entry(0, id="b", name="g", arguments="{}"))],
        # Arguments as an object.
        [calls(entry(0, id="a", name="f", arguments={"x": 1})), calls(entry(1, id="b", name="g", arguments={}))],
        # Both heads first, then arguments crosswise.
        [
            calls(entry(0, id="a", name="f"), entry(1, id="b", name="g")),
            calls(entry(1, arguments="{")),
            calls(entry(0, arguments='{"x":1}'), entry(1, arguments="}")),
        ],
        # Whole, in a message at the end.
        [
            {
                "id": "c-1",
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "tool_calls": [
                                {"id": "a", "function": {"name": "f", "arguments": '{"x":1}'}},
                                {"id": "b", "function": {"name": "g", "arguments": "{}"}},
                            ]
                        },
                    }
                ],
            }
        ],
    ],
)  # fmt: skip
def test_calls_of_every_host_come_out_alike(pieces: list[Any]) -> None:
    choice_calls = made(*pieces, ENDED, DONE)
    assert sorted(choice_calls) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


@pytest.mark.parametrize(
    "names", [["get_", "weather"], ["get_weather", "get_weather"], ["get", "get_weather"]]
)
def test_names_in_pieces_repeated_or_growing(names: list[str]) -> None:
    heads = [calls(entry(0, id="a", name=name)) for name in names]
    assert made(*heads, calls(entry(0, arguments="{}")), ENDED, DONE) == [("a", "get_weather", "{}")]


def test_a_call_without_arguments_still_starts() -> None:
    assert made(calls(entry(0, id="a", name="f", arguments="")), ENDED, DONE) == [("a", "f", "")]


def test_a_call_never_given_an_id_gets_one_that_differs_by_reply() -> None:
    def ids(reply: str) -> list[str]:
        head = {**calls(entry(0, name="f", arguments="{}"), entry(1, name="f", arguments="{}")), "id": reply}
        return [call_id for call_id, _, _ in made(head, ENDED, DONE)]

    assert ids("r1") == ids("r1")
    assert len({*ids("r1"), *ids("r2")}) == 4


def test_whole_calls_of_one_name_without_index_and_id_stay_apart() -> None:
    same = entry(None, name="f", arguments="{}")
    assert [name for _, name, _ in made(calls(same, same), ENDED, DONE)] == ["f", "f"]


def test_a_nameless_call_is_no_call() -> None:
    choice = told(calls(entry(0, id="a", arguments="{}")), chunk({"content": "x"}), ENDED, DONE)
    assert choice.parts == (Text(text="x"),)
    assert choice.finish == "stop"


def test_unknown_members_of_a_call_are_kept() -> None:
    head = {**entry(0, id="a", name="f"), "extra_content": {"google": {"thought_signature": "S"}}}
    call = told(calls(head), ENDED, DONE).parts[0]
    assert isinstance(call, ToolCall)
    assert call.extra == {"extra_content": {"google": {"thought_signature": "S"}}}


def test_legacy_and_custom_calls() -> None:
    legacy = told(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
        chunk(finish="function_call"),
        DONE,
    )
    call = legacy.parts[0]
    assert isinstance(call, ToolCall)
    assert (call.kind, call.name, call.arguments, legacy.finish) == ("legacy", "f", "{}", "tool_calls")
    custom = told(
        calls({"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}), ENDED, DONE
    )
    part = custom.parts[0]
    assert isinstance(part, ToolCall)
    assert (part.kind, part.arguments) == ("custom", "x")
