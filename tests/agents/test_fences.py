"""JSON that was asked for in words comes back bare; any other text keeps its Markdown (gotcha 43)."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.fences import Unfenced
from tests.agents.odd_requests import CHAT, function
from tests.agents.sessions import events
from tests.agents.stand import Stand, Told
from tests.upstreams import Answer

MODELS = {"claude": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}
JSON_MODE = {"response_format": {"type": "json_object"}}
BARE = '{"a": "```"}'
FENCED = f"```json\n{BARE}\n```\n"


def ask(stand: Stand, account: str, answer: str, *, stream: bool, **more: Any) -> Told:
    stand.vendors[account].script([Answer(text=answer)])
    messages = [{"role": "user", "content": "Answer with JSON."}]
    tools = [function()]  # beside tools neither vendor holds an answer to a form
    body = {"model": f"{account}/{MODELS[account]}", "messages": messages, "tools": tools, "stream": stream}
    return stand.ask(CHAT, {**body, **more})


def said(told: Told) -> str:
    """Return the text of a Chat answer, whole or streamed."""
    assert told.status == 200, told.body
    if not told.headers["content-type"].startswith("text/event-stream"):
        return told.json["choices"][0]["message"]["content"]
    deltas = [choice["delta"] for event in events(told.body) for choice in event["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("account", MODELS)
def test_fences_go_where_json_was_asked_for_in_words(stand: Stand, account: str, stream: bool) -> None:
    told = ask(stand, account, FENCED, stream=stream, **JSON_MODE)
    assert said(told) == BARE
    assert stand.lost(told)["response_format"] == "emulated"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("account", MODELS)
def test_fences_stay_where_nobody_asked_for_json(stand: Stand, account: str, stream: bool) -> None:
    assert said(ask(stand, account, FENCED, stream=stream)) == FENCED


TEXTS = {
    "fenced": (FENCED, BARE),
    "without-a-language": (f"```\n{BARE}\n```", BARE),
    "blank-around": (f"\n  ```json  \r\n{BARE}\n```\n\n", BARE),
    "no-fence": (BARE, BARE),
    "never-closed": (f"```json\n{BARE}", BARE),
    "fence-in-the-middle": (f"Here: {FENCED}", f"Here: {FENCED}"),
    "words-behind": (f"{FENCED}There.", f"{BARE}\n```\nThere."),
    "code-in-line": ("`a` and ``b``", "`a` and ``b``"),
    "a-fence-that-is-none": ("```json is a language", "```json is a language"),
    "nothing": ("", ""),
    "only-ticks": ("``", "``"),
    "empty-fence": ("```json\n```", ""),
    "two": ("```json\n1\n```\n```json\n2\n```", "1\n```\n```json\n2"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_cut_gives_the_same(name: str) -> None:
    text, wanted = TEXTS[name]
    for size in range(1, len(text) + 2):
        fenced = Unfenced()
        pieces = [fenced.feed(text[start : start + size]) for start in range(0, len(text), size)]
        assert "".join([*pieces, fenced.close()]) == wanted, size


def test_an_answer_leaves_as_it_comes() -> None:
    """Nothing is held back but what may be a fence."""
    fenced = Unfenced()
    assert fenced.feed("```json\n") == ""
    assert fenced.feed('{"a"') == '{"a"'
    assert fenced.feed(":1}\n") == ":1}"
    assert fenced.feed("``") == ""
    assert fenced.feed("`") == ""
    assert fenced.close() == ""
