"""Vendors that do not count: where a dialect needs numbers the gateway estimates, and says that it did."""

from typing import Any

import anthropic
import pytest

from tests.conformance.cells import AnthropicCell, Cell, OpenAICell, ResponsesCell
from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import House
from tests.conformance.samples import user

TEXT = "one two three " * 20


def receipt_of(cell: Cell, scenario: str) -> tuple[Any, dict[str, Any]]:
    """Ask once, streamed; return the message's usage (None: none told) and the receipt."""
    usage: Any = None
    with cell.client() as sdk:  # type: ignore[attr-defined]
        if isinstance(cell, OpenAICell):
            stream = sdk.chat.completions.create(
                model=cell.model(scenario),
                messages=user(TEXT),
                stream=True,
                stream_options={"include_usage": True},
            )
            for chunk in stream:
                usage = chunk.usage or usage
            request_id = stream.response.headers["x-request-id"]
        else:
            with sdk.messages.stream(
                model=cell.model(scenario), max_tokens=4000, messages=user(TEXT)
            ) as helper:
                usage = helper.get_final_message().usage
                request_id = helper.response.headers["x-request-id"]
    return usage, cell.house.receipt(request_id)


@pytest.mark.parametrize("scenario", ["quirk-usage-never", "fault-rejects-stream-options"])
def test_a_messages_client_gets_numbers(house: House, scenario: str) -> None:
    cell = AnthropicCell(house, "chat")
    house.refusals_meant = scenario == "fault-rejects-stream-options"
    usage, receipt = receipt_of(cell, scenario)
    assert isinstance(usage, anthropic.types.Usage)
    assert 40 < usage.input_tokens < 150
    assert 40 < usage.output_tokens < 200
    assert receipt["usage_estimated"] is True


def test_a_responses_client_gets_numbers(house: House) -> None:
    """Its usage may be missing, but nothing in it."""
    cell = ResponsesCell(house, "chat")
    with cell.client() as sdk:
        (*_, last) = sdk.responses.create(stream=True, **cell.fields("quirk-usage-never", TEXT))
    assert last.type == "response.completed"
    usage = last.response.usage
    assert usage is not None
    assert 40 < usage.input_tokens < 150
    assert 40 < usage.output_tokens < 200
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


def test_google_s_client_gets_none_but_the_books_have_an_estimate(house: House) -> None:
    cell = GeminiCell(house, "chat")
    with cell.client() as sdk:
        (*_, last) = sdk.models.generate_content_stream(**cell.fields("quirk-usage-never", TEXT))
    assert last.usage_metadata is None
    receipt = house.receipt(cell.headers(last)["x-request-id"])
    assert receipt["usage_estimated"] is True
    assert receipt["usage"]["output"] > 40


@pytest.mark.parametrize("scenario", ["quirk-usage-never", "fault-rejects-stream-options"])
def test_a_chat_client_gets_none_but_the_books_have_an_estimate(house: House, scenario: str) -> None:
    cell = OpenAICell(house, "chat")
    house.refusals_meant = scenario == "fault-rejects-stream-options"
    usage, receipt = receipt_of(cell, scenario)
    assert usage is None, "Chat's usage is optional, so that none is invented"
    assert receipt["usage_estimated"] is True
    assert receipt["usage"]["output"] > 40


def test_a_host_that_rejects_stream_options_is_remembered(house: House) -> None:
    """Asked once with them and once without; the next request knows."""
    house.refusals_meant = True
    cell = OpenAICell(house, "chat")
    scenario = "lenient+fault-rejects-stream-options"  # a name of its own, which no other test has taught
    for _ in range(2):
        assert cell.ask(scenario, stream=True).text == "You said: one two three"
    assert [received.status for received in house.chat.calls] == [400, 200, 200]


@pytest.mark.parametrize("scenario", ["quirk-usage-always", "quirk-usage-in-finish", "quirk-usage-unasked"])
def test_usage_in_unusual_places_is_counted_once(house: House, scenario: str) -> None:
    for cell in (OpenAICell(house, "chat"), AnthropicCell(house, "chat")):
        usage, receipt = receipt_of(cell, scenario)
        counted = receipt["usage"]
        assert counted["input"] == 70 + 3
        assert counted["output"] == 2 + 60
        assert receipt["usage_estimated"] is False
        if isinstance(cell, AnthropicCell):
            assert (usage.input_tokens, usage.output_tokens) == (73, 62)
        else:
            assert (usage.prompt_tokens, usage.completion_tokens) == (73, 62)
