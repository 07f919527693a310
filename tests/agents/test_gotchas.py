"""The known traps of translation: each has its tests, and each odd request is taken by every vendor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.gotchas import ADAPTERS, GOTCHAS, LAST
from tests.agents.odd_requests import CHAT, LONG, ODD, body
from tests.agents.sessions import events
from tests.agents.stand import DIALECTS, Stand
from tests.upstreams import Answer, Call

MODELS = {
    "chat": "gpt-4.1",
    "responses": "gpt-5.2",
    "claude": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
}
PLAIN = {("zeros", "responses"): "gpt-4.1"}
"""Models where those above refuse what is asked, whoever asks."""
OWN = {"/v1/chat/completions": "chat", "/v1/messages": "claude", "/v1/responses": "responses"}
"""Who speaks the dialect of a path: it gets the bytes as they are, so that what is wrong stays wrong."""
CELLS = [
    (name, account, stream)
    for name, odd in ODD.items()
    for account in DIALECTS
    for stream in (False, True)
    if OWN[odd.path] != account
]
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "account", "stream"),
    CELLS,
    ids=[f"{name}-to-{account}-{'streamed' if stream else 'whole'}" for name, account, stream in CELLS],
)
def test_an_odd_request_is_taken(stand: Stand, name: str, account: str, stream: bool) -> None:
    odd = ODD[name]
    model = PLAIN.get((name, account), MODELS[account])
    told = stand.ask(odd.path, body(odd, f"{account}/{model}", stream=stream))
    assert told.status == 200, told.body
    assert len(stand.vendors[account].calls) == 1, "it took two tries"
    if stream:
        assert "error" not in [event.get("type") for event in events(told.body)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("account", ["responses", "claude", "gemini"])
def test_a_name_that_was_cut_comes_back_whole(stand: Stand, account: str, stream: bool) -> None:
    """Gotcha 14, where the two names differ behind the cut."""

    def second(received: object) -> Answer:
        del received
        sent = stand.seen(account).json["tools"]
        declared = sent[0].get("functionDeclarations", sent)
        return Answer(calls=(Call(name=declared[1]["name"], arguments='{"place":"x"}'),))

    stand.vendors[account].script([second])
    odd = ODD["long-names-that-differ-at-the-end"]
    told = stand.ask(CHAT, body(odd, f"{account}/{MODELS[account]}", stream=stream))
    assert f'"{LONG}2"'.encode() in told.body.replace(b" ", b"")


@pytest.mark.parametrize("account", ["responses", "claude", "gemini"])
def test_a_stop_that_a_vendor_has_no_word_for_is_told(stand: Stand, account: str) -> None:
    """Gotcha 48: nothing is made up, so nothing can be told wrongly."""
    told = stand.ask(CHAT, body(ODD["a-stop-of-its-own"], f"{account}/{MODELS[account]}", stream=False))
    choice = told.json["choices"][0]
    assert choice["finish_reason"] == "stop"
    if account == "responses":
        assert stand.lost(told)["stop"] == "dropped"
    else:
        assert "END" not in choice["message"]["content"]
        assert "stop" not in stand.lost(told)


def test_every_trap_has_a_test() -> None:
    assert set(GOTCHAS) | set(ADAPTERS) == set(range(1, LAST + 1))
    assert all(GOTCHAS.values())


@pytest.mark.parametrize("number", GOTCHAS)
def test_the_tests_of_a_trap_are_there(number: int) -> None:
    for reference in GOTCHAS[number]:
        path, _, name = reference.partition("::")
        text = (TESTS / path).read_text("utf-8")
        assert f"def {name}(" in text, reference


def test_the_odd_requests_are_of_known_traps() -> None:
    assert {odd.number for odd in ODD.values()} <= GOTCHAS.keys()
    assert all(json.loads(body(odd, "m", stream=False))["model"] == "m" for odd in ODD.values())
