"""Vendors whose replies break or take another form than asked: the answer whole, or a clear error, never half of it."""

from typing import Any

import pytest

from tests.conformance.cells import Cell, OpenAICell
from tests.conformance.samples import message_whole, streamed_completion, user

WHOLE = "You said: one two three"
APART = "gap-40"
"""Keeps the first words and the failure apart: in one segment nothing has left yet, and the vendor is asked again."""
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

TRUNCATED = ("cut", "reset-midstream", "no-finish", "half-event", "bad-chunk")
"""The reply ends in the middle, one way or another; no content may look like a complete answer."""


@STREAM
@pytest.mark.parametrize("fault", TRUNCATED)
def test_a_truncated_reply_is_never_a_success(cell: Cell, fault: str, stream: bool) -> None:
    with pytest.raises(cell.failures) as caught:
        cell.ask(f"fault-{fault}+{APART}", stream=stream)
    error: Any = caught.value
    if not stream:
        assert cell.told(error).status == 502
        assert len(cell.up.calls) == 2, "nothing had left, so the vendor is asked once more"
        return
    assert WHOLE.startswith(error.partial.text)
    assert error.partial.text
    assert error.partial.finish is None
    assert len(cell.up.calls) == 1, "what has left cannot be taken back by asking again"


OVERLOADS = {"chat": "server error", "responses": "server error", "claude": "overload", "gemini": "overload"}
"""What each vendor's own words in a stream tell; OpenAI's do not tell an overload from any other failure."""
IN_STREAM = {
    ("openai", "server error"): "server_error",
    ("openai", "overload"): "server_error",
    ("responses", "server error"): "server_error",
    ("responses", "overload"): "server_error",
    ("anthropic", "server error"): "api_error",
    ("anthropic", "overload"): "overloaded_error",
    ("google", "server error"): "INTERNAL",
    ("google", "overload"): "UNAVAILABLE",
}


def test_an_error_in_the_middle_of_a_stream(cell: Cell) -> None:
    with pytest.raises(cell.failures) as caught:
        cell.ask(f"fault-midstream-error+{APART}", stream=True)
    error: Any = caught.value
    told = cell.told(error)
    assert "overloaded" in told.message.lower()
    assert error.partial.text == "You said: one "
    assert error.partial.finish is None
    assert IN_STREAM[cell.name, OVERLOADS[cell.account]] in str(told.body)


def test_the_same_error_from_the_vendor_itself(direct_cell: Cell) -> None:
    with pytest.raises(direct_cell.failures) as caught:
        direct_cell.ask("fault-midstream-error", stream=True)
    error: Any = caught.value
    assert "overloaded" in direct_cell.told(error).message.lower()
    assert error.partial.text == "You said: one "


HEALED = (
    "no-terminator",
    "badjson-frame",
    "mislabelled",
    "only-streams",
    "ignores-stream",
    "gzip",
    "gzip-unlabelled",
)
"""Nothing of the answer is missing, so the caller gets all of it, in the form asked for."""


@STREAM
@pytest.mark.parametrize("fault", HEALED)
def test_a_complete_answer_in_bad_shape_arrives_whole(cell: Cell, fault: str, stream: bool) -> None:
    if fault == "badjson-frame" and not stream:
        return  # the fault's whole form is a truncated one, which has its own test
    asked = cell.ask(f"fault-{fault}", stream=stream)
    assert asked.text == WHOLE
    assert asked.finish == cell.natural
    assert [received.status for received in cell.up.calls] == [200]


@pytest.mark.parametrize("fault", ["only-streams+quirk-usage-unasked", "ignores-stream"])
def test_collapsed_and_expanded_replies_agree_with_healthy_ones(cell: Cell, fault: str) -> None:
    """A stream for a client that wants one piece, and the reverse: ids, calls and usage included."""
    text = "two cities: weather, and explain"
    healthy, spoiled = cell.model(), cell.model(f"fault-{fault}")
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    with cell.client() as sdk:  # type: ignore[attr-defined]
        if isinstance(cell, OpenAICell):
            tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
            fields: Any = {"messages": user(text), "tools": tools}
            answers = [
                sdk.chat.completions.create(model=spoiled, **fields) if fault != "ignores-stream"
                else streamed_completion(sdk, model=spoiled, **fields),
                sdk.chat.completions.create(model=healthy, **fields),
            ]  # fmt: skip
            said = [
                (m.choices[0].message.content, m.choices[0].finish_reason, m.usage.model_dump(),
                 [c.function.arguments for c in m.choices[0].message.tool_calls])
                for m in answers
            ]  # fmt: skip
            assert said[0][3] == ['{"city":"Paris"}', '{"city":"Rome"}']
        else:
            tools = [{"name": "f", "input_schema": schema}]
            fields = {"messages": user(text), "tools": tools, "max_tokens": 500}
            if fault != "ignores-stream":
                first = sdk.messages.create(model=spoiled, **fields)
            else:
                with sdk.messages.stream(model=spoiled, **fields) as stream:
                    first = stream.get_final_message()
            made = [first, sdk.messages.create(model=healthy, **fields)]
            said = [_without_ids(message_whole(message)) for message in made]
            assert [b.get("input") for b in said[0][0][1:]] == [{"city": "Paris"}, {"city": "Rome"}]
    assert said[0] == said[1]


def _without_ids(whole: Any) -> Any:
    _, _, blocks, ending, usage = whole
    return [{key: item for key, item in block.items() if key != "id"} for block in blocks], ending, usage


EMPTY: dict[str, tuple[int, int]] = {
    "empty-stream": (502, 2),
    "only-terminator": (502, 2),
    "html-200": (502, 2),
    "truncated-json": (502, 2),
    "html": (502, 2),
    "cloudflare": (502, 1),
    "redirect": (502, 2),
    "reset": (502, 2),
    "close": (502, 2),
}
"""No answer at all: the status that says so, and how often the vendor was asked."""


@STREAM
@pytest.mark.parametrize("fault", EMPTY)
def test_no_answer_is_an_error_with_a_status(cell: Cell, fault: str, stream: bool) -> None:
    status, calls = EMPTY[fault]
    with pytest.raises(cell.failures) as caught:
        cell.ask(f"fault-{fault}", stream=stream)
    told = cell.told(caught.value)
    assert told.status == status
    assert len(cell.up.calls) == calls
    assert "<html" not in str(told.body), "a vendor's web page reached the caller"


@STREAM
@pytest.mark.parametrize("fault", ["200-error-json", "200-error-first-event"])
def test_an_error_under_a_good_status_gets_a_true_one(cell: Cell, fault: str, stream: bool) -> None:
    """Anthropic's kinds say their status; Chat's error object alone does not tell an overload from a bug."""
    with pytest.raises(cell.failures) as caught:
        cell.ask(f"fault-{fault}", stream=stream)
    told = cell.told(caught.value)
    overloaded = 529 if cell.name == "anthropic" else 503
    assert told.status == cell.pick(chat=500, responses=500, claude=overloaded, gemini=503)
    assert "overloaded" in told.message.lower()
    assert len(cell.up.calls) == cell.pick(chat=2, responses=2, rest=1)
