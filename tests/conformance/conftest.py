"""One house per worker, checked after every test; the cells a test may ask for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anthropic
import openai
import pytest
from google import genai

from tests.conformance.cells import AnthropicCell, Cell, OpenAICell, ResponsesCell
from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.matrix import CLIENTS, PLACES

CELLS = [(client, place) for client in CLIENTS for place in ACCOUNTS]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the whole of what is asked of every cell, for each of many faults, to the full run.

    The short one tries each fault with every client and at every vendor once, and in four faults all pairs of them.
    """
    clients, numbers = [*CLIENTS], dict[str, int]()
    for item in items:
        if Path(__file__).parent not in item.path.parents or not isinstance(item, pytest.Function):
            continue
        spec = getattr(item, "callspec", None)
        if spec is None or "cell" not in spec.params or len(spec.params) < 2:
            continue
        client, place = spec.params["cell"]
        asked = f"{item.path}:{item.originalname}:{ ({**spec.params, 'cell': ''}) }"
        number = numbers.setdefault(asked, len(numbers))
        if [*ACCOUNTS].index(place) != (clients.index(client) + number) % len(ACCOUNTS):
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session")
def shared_house() -> Iterator[House]:
    """The house of this worker; starting it costs more than any one test."""
    house = House().start()
    yield house
    house.stop()


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """The house with empty journals; afterwards it must have seen nothing malformed and no secret of the caller."""
    shared_house.begin()
    yield shared_house
    shared_house.check()


@pytest.fixture(params=PLACES)
def chat_cell(request: pytest.FixtureRequest, house: House) -> OpenAICell:
    """OpenAI's SDK at each address, for chat completions."""
    return OpenAICell(house, request.param)


@pytest.fixture(params=PLACES)
def responses_cell(request: pytest.FixtureRequest, house: House) -> ResponsesCell:
    """OpenAI's SDK at each address, for responses."""
    return ResponsesCell(house, request.param)


@pytest.fixture(params=PLACES)
def claude_cell(request: pytest.FixtureRequest, house: House) -> AnthropicCell:
    """Anthropic's SDK at each address."""
    return AnthropicCell(house, request.param)


@pytest.fixture(params=PLACES)
def gemini_cell(request: pytest.FixtureRequest, house: House) -> GeminiCell:
    """Google's SDK at each address."""
    return GeminiCell(house, request.param)


@pytest.fixture(params=CELLS, ids="-".join)
def cell(request: pytest.FixtureRequest, house: House) -> Cell:
    """Each client behind the gateway at each vendor."""
    client, place = request.param
    return CLIENTS[client](house, place)


@pytest.fixture(params=CLIENTS)
def direct_cell(request: pytest.FixtureRequest, house: House) -> Cell:
    """Each client at its own vendor."""
    return CLIENTS[request.param](house, "direct")


@pytest.fixture
def chat_sdk(chat_cell: OpenAICell) -> Iterator[openai.OpenAI]:
    """OpenAI's client of the cell."""
    with chat_cell.client() as client:
        yield client


@pytest.fixture
async def async_chat_sdk(chat_cell: OpenAICell) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's async client of the cell."""
    async with chat_cell.async_client() as client:
        yield client


@pytest.fixture
def responses_sdk(responses_cell: ResponsesCell) -> Iterator[openai.OpenAI]:
    """OpenAI's client of the cell."""
    with responses_cell.client() as client:
        yield client


@pytest.fixture
async def async_responses_sdk(responses_cell: ResponsesCell) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's async client of the cell."""
    async with responses_cell.async_client() as client:
        yield client


@pytest.fixture
def claude_sdk(claude_cell: AnthropicCell) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client of the cell."""
    with claude_cell.client() as client:
        yield client


@pytest.fixture
async def async_claude_sdk(claude_cell: AnthropicCell) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's async client of the cell."""
    async with claude_cell.async_client() as client:
        yield client


@pytest.fixture
def gemini_sdk(gemini_cell: GeminiCell) -> Iterator[genai.Client]:
    """Google's client of the cell."""
    with gemini_cell.client() as client:
        yield client
