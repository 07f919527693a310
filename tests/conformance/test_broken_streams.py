"""Vendors whose replies break or take another form than asked: the answer whole, or a clear error, never half of it."""

from typing import Any

import pytest

from tests.conformance.calling import calling
from tests.conformance.cells import Cell
from tests.conformance.house import House
from tests.conformance.matrix import CLIENTS

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
    assert len(cell.up.calls) <= 3, "the answer may be begun again to be completed, not for ever"


OVERLOADS = {"chat": "overload", "responses": "server error", "claude": "overload", "gemini": "overload"}
"""What each vendor's own words in a stream tell; a failed response has no code for an overload."""
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
    if fault == "no-terminator" and stream and cell.account in ("responses", "gemini"):
        return  # there the terminator is what says that the answer has ended
    asked = cell.ask(f"fault-{fault}", stream=stream)
    assert asked.text == WHOLE
    assert asked.finish == cell.natural
    assert [received.status for received in cell.up.calls] == [200]


@pytest.mark.parametrize("account", ["responses", "gemini"])
def test_an_end_that_is_never_told_is_a_cut(house: House, account: str) -> None:
    """Where only the last event has the finish, a stream without it may lack anything."""
    for kind in CLIENTS.values():
        house.begin()
        cell = kind(house, account)
        with pytest.raises(cell.failures) as caught:
            cell.ask("fault-no-terminator", stream=True)
        error: Any = caught.value
        assert (error.partial.text, error.partial.finish) == (WHOLE, None)


@pytest.mark.parametrize("fault", ["only-streams+quirk-usage-unasked", "ignores-stream"])
def test_collapsed_and_expanded_replies_agree_with_healthy_ones(cell: Cell, fault: str) -> None:
    """A stream for a client that wants one piece, and the reverse: calls and usage included."""
    text, stream = "two cities: weather, and explain", fault == "ignores-stream"
    with cell.client() as sdk:
        spoiled = calling(cell, sdk, cell.fields(f"fault-{fault}", text), stream=stream)
        healthy = calling(cell, sdk, cell.fields("", text), stream=False)
    assert spoiled == healthy
    assert healthy["calls"] == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})]
    assert healthy["text"] == "I will look that up."


EMPTY: dict[str, tuple[int, int]] = {
    "empty-stream": (502, 2),
    "html-200": (502, 2),
    "truncated-json": (502, 2),
    "html": (502, 2),
    "cloudflare": (502, 1),
    "redirect": (502, 2),
    "reset": (502, 2),
    "close": (502, 2),
}
"""No answer at all: the status that says so, and how often the vendor was asked."""

MOST = {"cloudflare": 3, "reset": 4, "close": 4}
"""Asked more often: after the pause a page may mean; once more each time an idle connection ends without a word."""


@STREAM
@pytest.mark.parametrize("fault", EMPTY)
def test_no_answer_is_an_error_with_a_status(cell: Cell, fault: str, stream: bool) -> None:
    status, calls = EMPTY[fault]
    with pytest.raises(cell.failures) as caught:
        cell.ask(f"fault-{fault}", stream=stream)
    told = cell.told(caught.value)
    assert told.status == status
    assert calls <= len(cell.up.calls) <= MOST.get(fault, calls)
    assert "<html" not in str(told.body), "a vendor's web page reached the caller"


@STREAM
@pytest.mark.parametrize("fault", ["200-error-json", "200-error-first-event"])
def test_an_error_under_a_good_status_gets_a_true_one(cell: Cell, fault: str, stream: bool) -> None:
    """The vendors' kinds and codes say their status."""
    with pytest.raises(cell.failures) as caught:
        cell.ask(f"fault-{fault}", stream=stream)
    told = cell.told(caught.value)
    overloaded = 529 if cell.name == "anthropic" else 503
    assert told.status == cell.pick(claude=overloaded, rest=503)
    assert "overloaded" in told.message.lower()
    assert len(cell.up.calls) == 1


@STREAM
def test_a_terminator_alone(cell: Cell, stream: bool) -> None:
    """Chat's and Anthropic's say nothing; Gemini's ends an empty answer, and that of Responses holds all of it."""
    if cell.account in ("chat", "claude"):
        with pytest.raises(cell.failures) as caught:
            cell.ask("fault-only-terminator", stream=stream)
        assert cell.told(caught.value).status == 502
        assert len(cell.up.calls) == 2
        return
    asked = cell.ask("fault-only-terminator", stream=stream)
    assert asked.text == cell.pick(responses=WHOLE, gemini="")
    assert asked.finish == cell.natural
