"""The axes of the matrix: each client, and each address it is pointed at."""

from tests.conformance.cells import AnthropicCell, Cell, OpenAICell, ResponsesCell
from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import ACCOUNTS

CLIENTS: dict[str, type[Cell]] = {
    kind.name: kind for kind in (OpenAICell, ResponsesCell, AnthropicCell, GeminiCell)
}
PLACES = ("direct", *ACCOUNTS)
"""The client's own vendor, and the gateway in front of each vendor."""
