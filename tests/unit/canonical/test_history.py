"""Calls and results after `settle`: each call answered once, in order, right behind its message."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flowrouter.canonical.history import NO_RESULT, settle
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Image, Part, Reasoning, Source, Text, ToolCall, ToolResult


def call(id_: str, name: str = "f") -> ToolCall:
    return ToolCall(id=id_, name=name, arguments="{}")


def result(id_: str, text: str = "ok") -> ToolResult:
    return ToolResult(call_id=id_, content=(Text(text=text),))


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def user(*parts: Part | str) -> Message:
    return Message(role="user", parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts))


def tool(*parts: Part) -> Message:
    return Message(role="tool", parts=parts)


def answers(message: Message) -> list[tuple[str, str]]:
    return [
        (part.call_id, "".join(inner.text for inner in part.content if isinstance(inner, Text)))
        for part in message.parts
        if isinstance(part, ToolResult)
    ]


ids = st.sampled_from(["a", "b", "a.b", "a_b", "", "call:1", "x" * 70, "é"])
parts = st.one_of(
    st.builds(call, ids),
    st.builds(result, ids, st.text("xyz", max_size=2)),
    st.text("hello", max_size=3).map(lambda text: Text(text=text)),
    st.just(Image(source=Source(kind="url", url="https://example.com/a.png"))),
)
conversations = st.lists(
    st.one_of(
        st.lists(parts.filter(lambda part: not isinstance(part, ToolResult)), max_size=4).map(
            lambda p: assistant(*p)
        ),
        st.lists(parts.filter(lambda part: not isinstance(part, ToolCall)), max_size=4).map(
            lambda p: user(*p)
        ),
        st.builds(lambda id_, text: tool(result(id_, text)), ids, st.text("xyz", max_size=2)),
        st.sampled_from([Message(role="system", parts=(Text(text="s"),)), Message(role="developer")]),
    ),
    max_size=8,
)


@given(conversations, st.sampled_from([64, 40, 9]))
@example([assistant(call("a"), call("a")), tool(result("a", "x")), tool(result("a", "y"))], 64)
@example([assistant(call("a")), user("hm"), tool(result("a"))], 64)
def test_every_call_is_answered_once_in_order(messages: list[Message], longest: int) -> None:
    settled = settle(messages, id_max=longest).messages
    seen: list[str] = []
    expected: list[str] = []
    for message in settled:
        held = [part.call_id for part in message.parts if isinstance(part, ToolResult)]
        if expected:
            assert message.role == "tool"
            assert held == expected
        else:
            assert held == []
        expected = [part.id for part in message.parts if isinstance(part, ToolCall)]
        seen += expected
    assert expected == [], "a call without an answer ends the conversation"
    assert len(set(seen)) == len(seen), "two calls share an id"
    assert all(re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{longest}}}", id_) for id_ in seen)


@given(conversations)
def test_settling_twice_changes_nothing(messages: list[Message]) -> None:
    once = settle(messages)
    again = settle(once.messages)
    assert again.messages == once.messages
    assert again.losses == ()


@given(conversations, conversations)
def test_a_longer_conversation_keeps_its_beginning(messages: list[Message], later: list[Message]) -> None:
    """What was sent stays as it was, or the vendor's prompt cache is lost; late results aside."""
    closed = [*messages, user("so far")]
    fresh = [message for message in later if not any(isinstance(part, ToolResult) for part in message.parts)]
    before = settle(closed).messages
    assert settle([*closed, *fresh]).messages[: len(before)] == before


@given(conversations)
def test_nothing_is_dropped_in_silence(messages: list[Message]) -> None:
    settled = settle(messages)
    if settled.messages != tuple(messages):
        sent = sum(isinstance(part, ToolResult) for message in messages for part in message.parts)
        regrouped = sent > 0 or any(message.role == "tool" for message in messages)
        assert settled.losses or regrouped

    def texts(all_messages: tuple[Message, ...] | list[Message]) -> list[Part]:
        return [p for m in all_messages for p in m.parts if isinstance(p, Text | Image)]

    kept = texts(settled.messages)
    assert all(part in kept for part in texts(messages))


def test_a_settled_conversation_is_left_alone() -> None:
    messages = [user("q"), assistant(call("a"), call("b")), tool(result("a"), result("b")), user("thanks")]
    assert settle(messages).messages == tuple(messages)
    assert settle(messages).losses == ()


def test_results_of_several_tool_messages_are_gathered_in_call_order() -> None:
    settled = settle([assistant(call("a"), call("b")), tool(result("b", "2")), tool(result("a", "1"))])
    assert [message.role for message in settled.messages] == ["assistant", "tool"]
    assert answers(settled.messages[1]) == [("a", "1"), ("b", "2")]
    assert settled.losses == ()


def test_results_beside_text_come_first() -> None:
    settled = settle([assistant(call("a")), user("look", result("a"), "here")])
    assert [message.role for message in settled.messages] == ["assistant", "tool", "user"]
    assert settled.messages[2].parts == (Text(text="look"), Text(text="here"))


def test_the_last_of_two_results_counts() -> None:
    settled = settle([assistant(call("a")), tool(result("a", "old")), tool(result("a", "new"))])
    assert answers(settled.messages[1]) == [("a", "new")]
    assert [loss.kind for loss in settled.losses] == ["dropped"]


def test_calls_that_share_an_id_get_their_results_in_order() -> None:
    """Hosts without ids leave them empty, or number each turn's calls alike."""
    settled = settle([assistant(call("", "f"), call("", "g")), tool(result("", "1")), tool(result("", "2"))])
    assert [text for _, text in answers(settled.messages[1])] == ["1", "2"]
    calls = [part.id for part in settled.messages[0].parts if isinstance(part, ToolCall)]
    assert len(set(calls)) == 2


def test_one_result_for_two_calls_of_one_id() -> None:
    settled = settle([assistant(call("a"), call("a")), tool(result("a", "1"))])
    assert [text for _, text in answers(settled.messages[1])] == ["1", "1"]


def test_the_same_id_in_two_turns() -> None:
    settled = settle(
        [
            assistant(call("0")),
            tool(result("0", "1")),
            assistant(call("0")),
            tool(result("0", "2")),
            user("q"),
        ]
    )
    assert [text for message in settled.messages for _, text in answers(message)] == ["1", "2"]
    assert "earlier call" in settled.losses[0].reason


def test_missing_result_is_a_stub_that_says_so() -> None:
    settled = settle([assistant(call("a"), call("b")), tool(result("b")), user("go on")])
    stub = settled.messages[1].parts[0]
    assert stub == ToolResult(call_id="a", content=(Text(text=NO_RESULT),), is_error=True)
    assert [loss.kind for loss in settled.losses] == ["emulated"]


def test_late_result_moves_to_its_call() -> None:
    settled = settle([assistant(call("a")), user("wait"), tool(result("a", "late")), user("now")])
    assert [message.role for message in settled.messages] == ["assistant", "tool", "user", "user"]
    assert answers(settled.messages[1]) == [("a", "late")]
    assert settled.messages[1].parts[0].is_error is None  # type: ignore[union-attr]


def test_steps_between_which_nothing_is_left_are_joined() -> None:
    thought = Reasoning(text="so")
    late = [
        assistant(call("a")),
        user("wait"),
        assistant(Text(text="soon")),
        tool(result("a")),
        assistant(thought),
    ]
    settled = settle(late)
    assert [message.role for message in settled.messages] == ["assistant", "tool", "user", "assistant"]
    assert settled.messages[3].parts == (Text(text="soon"), thought)
    assert settle(settled.messages).messages == settled.messages


def test_result_for_no_call_becomes_text() -> None:
    picture = Image(source=Source(kind="url", url="https://example.com/a.png"))
    orphan = ToolResult(call_id="ghost", content=(Text(text="42"), picture))
    settled = settle([user("q"), tool(orphan)])
    assert settled.messages[1].role == "user"
    assert settled.messages[1].parts == (Text(text="Tool result (ghost): "), Text(text="42"), picture)
    assert [loss.kind for loss in settled.losses] == ["emulated"]


def test_system_message_between_call_and_result_does_not_part_them() -> None:
    reminder = Message(role="system", parts=(Text(text="be brief"),))
    settled = settle([assistant(call("a")), reminder, tool(result("a"))])
    assert [message.role for message in settled.messages] == ["assistant", "tool", "system"]
    assert answers(settled.messages[1]) == [("a", "ok")]


@pytest.mark.parametrize("bad", ["a.b", "call:1", "é", "x" * 70, ""])
def test_bad_ids_are_cleaned_on_both_sides(bad: str) -> None:
    settled = settle([assistant(call(bad)), tool(result(bad, "1"))])
    (part,) = settled.messages[0].parts
    assert isinstance(part, ToolCall)
    assert answers(settled.messages[1]) == [(part.id, "1")]
    assert [loss.kind for loss in settled.losses] == ["changed"]


def test_other_parts_of_an_assistant_turn_stay_in_place() -> None:
    thought = Reasoning(text="hm", signature="sig")
    settled = settle([assistant(thought, call("a.b"), Text(text="after"))])
    assert settled.messages[0].parts[0] is thought
    assert settled.messages[0].parts[2] == Text(text="after")
