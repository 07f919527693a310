"""Model lists in both shapes, token counts at both vendors."""

import itertools
import json
from typing import Any

import anthropic
import openai
import pytest

from tests.conformance.cells import AnthropicCell, OpenAICell, ResponsesCell
from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import ACCOUNTS, ALIASES, House
from tests.conformance.matrix import CLIENTS
from tests.conformance.samples import CLAUDE_TOOL, user


@pytest.fixture
def names(house: House) -> list[str]:
    """What the gateway offers by name: both vendors' lists and the aliases."""
    return sorted({*ALIASES, *(name for vendor in house.vendors.values() for name in vendor.models)})


def test_openai_s_list(house: House, names: list[str]) -> None:
    with OpenAICell(house, "chat").client() as sdk:
        models = list(sdk.models.list())
        assert [model.id for model in models] == names
        assert {model.object for model in models} == {"model"}
        slashed = sdk.models.retrieve("acme/chat-large")
        assert (slashed.id, slashed.owned_by) == ("acme/chat-large", "custom-openai")
        with pytest.raises(openai.NotFoundError):
            sdk.models.retrieve("acme/none")


def test_anthropic_s_list_and_its_pages(house: House, names: list[str]) -> None:
    with AnthropicCell(house, "claude").client() as sdk:
        page = sdk.models.list(limit=4)
        assert ([model.id for model in page.data], page.has_more) == (names[:4], True)
        assert (page.first_id, page.last_id) == (names[0], names[3])
        assert [model.id for model in page] == names
        back = sdk.models.list(limit=2, before_id=names[5])
        assert [model.id for model in back.data] == names[3:5]
        assert sdk.models.retrieve("acme/chat-large").id == "acme/chat-large"
        known = sdk.models.retrieve("claude-opus-5")
        assert (known.type, known.display_name) == ("model", "Claude Opus 5")
        assert (known.max_input_tokens, known.max_tokens) == (200_000, 128_000)
        with pytest.raises(anthropic.NotFoundError):
            sdk.models.retrieve("claude-none")
        with pytest.raises(anthropic.BadRequestError):
            sdk.models.list(after_id="claude-none")


async def test_async_lists(house: House, names: list[str]) -> None:
    async with AnthropicCell(house, "claude").async_client() as sdk:
        assert [model.id async for model in sdk.models.list(limit=3)] == names
    async with OpenAICell(house, "chat").async_client() as other:
        assert [model.id async for model in other.models.list()] == names


@pytest.mark.parametrize(
    "name", ["gpt-4.1", "claude-opus-4-6", "acme/chat-large", "my-model", "gemini-2.5-flash"]
)
def test_listed_names_answer_in_all_dialects(house: House, name: str) -> None:
    with ResponsesCell(house, "responses").client() as one:
        assert one.responses.create(model=name, input="hi").output_text == "You said: hi"
    with GeminiCell(house, "gemini").client() as two:
        assert two.models.generate_content(model=name, contents="hi").text == "You said: hi"
    with OpenAICell(house, "chat").client() as sdk:
        made = sdk.chat.completions.create(model=name, messages=user("hi"), max_completion_tokens=50)
        assert made.choices[0].message.content == "You said: hi"
    with AnthropicCell(house, "claude").client() as other:
        (block,) = other.messages.create(model=name, max_tokens=50, messages=user("hi")).content
        assert block.type == "text"
        assert block.text == "You said: hi"


def test_an_unknown_beginning_suggests_nothing_false(house: House) -> None:
    """`*` of an account takes every name: the vendor's own 404 comes back in the caller's dialect."""
    for vendor in house.vendors.values():
        vendor.strict_models = True
    try:
        for kind, place in itertools.product(CLIENTS.values(), ACCOUNTS):
            cell = kind(house, place)
            with pytest.raises(cell.failures) as caught:
                cell.ask("nowhere", stream=False)
            told = cell.told(caught.value)
            assert (told.status, told.headers["x-should-retry"]) == (404, "false")
    finally:
        for vendor in house.vendors.values():
            vendor.strict_models = False


# counts


def test_the_vendor_s_own_count(house: House) -> None:
    counts: list[Any] = []
    for place in ("direct", "claude"):
        cell = AnthropicCell(house, place)
        with cell.client() as sdk:
            tools: Any = [CLAUDE_TOOL]
            few = sdk.messages.count_tokens(model=cell.model(), messages=user("hi"))
            many = sdk.messages.count_tokens(
                model=cell.model(), messages=user("hi"), tools=tools, system="be terse"
            )
            beta = sdk.beta.messages.count_tokens(model=cell.model(), messages=user("hi"))
            counts.append((few.input_tokens, many.input_tokens, beta.input_tokens))
    assert counts[0] == counts[1]
    assert counts[0][0] == counts[0][2] == 4
    assert [received.route for received in house.claude.requests] == ["count_tokens"] * 6


@pytest.mark.parametrize("place", ["chat", "responses"])
def test_a_vendor_that_cannot_count_is_estimated_for(house: House, place: str) -> None:
    """The estimate is ours and says so; it grows with what is sent, and nothing is asked of the vendor."""
    cell = AnthropicCell(house, place)
    tools: Any = [CLAUDE_TOOL]
    with cell.client() as sdk:
        raw = sdk.messages.with_raw_response.count_tokens(model=cell.model(), messages=user("hi"))
        assert raw.headers["x-flowrouter-counted-by"] == "estimate"
        few = raw.parse().input_tokens
        with_tools = sdk.messages.count_tokens(
            model=cell.model(), messages=user("hi"), tools=tools
        ).input_tokens
        long = sdk.messages.count_tokens(model=cell.model(), messages=user("word " * 1000)).input_tokens
    assert 0 < few < with_tools < long
    assert 800 < long < 2000
    assert not cell.up.requests


def test_a_vendor_of_another_dialect_counts(house: House) -> None:
    """Gemini and Anthropic count for each other's clients what would really be sent."""
    with AnthropicCell(house, "gemini").client() as sdk:
        raw = sdk.messages.with_raw_response.count_tokens(
            model="gemini/gemini-2.5-flash", messages=user("hi")
        )
        assert (raw.headers["x-flowrouter-counted-by"], raw.parse().input_tokens) == ("gemini", 4)
    cell = GeminiCell(house, "claude")
    with cell.client() as other:
        counted = other.models.count_tokens(model=cell.model(), contents="hi")
    assert (cell.headers(counted)["x-flowrouter-counted-by"], counted.total_tokens) == ("claude", 4)


async def test_counting_async_and_refused(house: House) -> None:
    house.refusals_meant = True
    cell = AnthropicCell(house, "claude")
    async with cell.async_client() as sdk:
        assert (await sdk.messages.count_tokens(model=cell.model(), messages=user("hi"))).input_tokens == 4
        with pytest.raises(anthropic.BadRequestError, match="first message"):
            await sdk.messages.count_tokens(
                model=cell.model(), messages=[{"role": "assistant", "content": "hi"}]
            )


def test_a_count_is_in_the_dialect_s_shape(house: House) -> None:
    cell = AnthropicCell(house, "claude")
    status, _, text = cell.call(
        "/v1/messages/count_tokens?beta=true", {"model": cell.model(), "messages": user("hi")}
    )
    assert (status, json.loads(text)) == (200, {"input_tokens": 4})
