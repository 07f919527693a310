"""OpenAI's SDK: plain answers, whole and streamed, and everything that shapes them."""

from typing import Any

import openai
import pytest

from tests.conformance.cells import OpenAICell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import (
    OPENAI_TOOL,
    completion_said,
    completion_whole,
    streamed_completion,
    user,
)
from tests.upstreams.brain import UNICODE

LATE: list[Any] = [
    {"role": "user", "content": "first"},
    {"role": "assistant", "content": "noted"},
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "second"},
]
PARTS = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "text": ("", {"messages": user("hello there")}, {"text": "You said: hello there", "finish": "stop"}),
    "parts": ("", {"messages": user(PARTS)}, {"text": "You said: one\ntwo", "finish": "stop"}),
    "scripts": ("unicode", {"messages": user("hi")}, {"text": UNICODE, "finish": "stop"}),
    "system": ("", {"messages": [{"role": "system", "content": "be terse"}, *user("hi")]}, {"text": "You said: hi\nSystem: be terse", "finish": "stop"}),
    "developer": ("", {"messages": [{"role": "developer", "content": "be terse"}, *user("hi")]}, {"text": "You said: hi\nSystem: be terse", "finish": "stop"}),
    "two systems": ("", {"messages": [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, *user("hi")]}, {"text": "You said: hi\nSystem: a | b", "finish": "stop"}),
    "later turn": ("", {"messages": [*user("hi"), {"role": "assistant", "content": "x"}, *user("more")]}, {"text": "You said: more", "finish": "stop"}),
    "two users in a row": ("", {"messages": [*user("one"), *user("two")]}, {"text": "You said: two", "finish": "stop"}),
    "stop list": ("", {"messages": user("one two three"), "stop": ["nowhere", "three"]}, {"text": "You said: one two ", "finish": "stop"}),
    "stop string": ("", {"messages": user("one two three"), "stop": "three"}, {"text": "You said: one two ", "finish": "stop"}),
    "max_tokens": ("long-50", {"messages": user("go"), "max_tokens": 3}, {"text": "word0 word1 word2 ", "finish": "length"}),
    "max_completion_tokens": ("long-50", {"messages": user("go"), "max_completion_tokens": 3}, {"text": "word0 word1 word2 ", "finish": "length"}),
    "sampling": ("", {"messages": user("hi"), "temperature": 0.5, "top_p": 0.9}, {"text": "You said: hi", "finish": "stop"}),
    "hot": ("", {"messages": user("hi"), "temperature": 1.7}, {"text": "You said: hi", "finish": "stop"}),
    "foreign knobs": ("", {"messages": user("hi"), "seed": 7, "presence_penalty": 0.5, "user": "u-1", "metadata": {"a": "b"}, "store": False}, {"text": "You said: hi", "finish": "stop"}),
    "long": ("long-2000", {"messages": user("go")}, {"text": " ".join(f"word{i}" for i in range(2000)), "finish": "stop"}),
}  # fmt: skip


LIMITS: dict[tuple[str, str], tuple[str, str]] = {
    ("responses", "stop list"): ("You said: one two three", "stop"),
    ("responses", "stop string"): ("You said: one two three", "stop"),
    ("responses", "max_tokens"): ("".join(f"word{i} " for i in range(16)), "max_tokens"),
    ("responses", "max_completion_tokens"): ("".join(f"word{i} " for i in range(16)), "max_tokens"),
}
"""What a vendor cannot do, the answer without it, and the field that the receipt names as lost."""


@pytest.mark.parametrize("case", CASES)
def test_whole_and_streamed_answers_agree(chat_sdk: openai.OpenAI, chat_cell: OpenAICell, case: str) -> None:
    scenario, fields, expected = CASES[case]
    if case == "two users in a row" and chat_cell.account in ("claude", "gemini"):
        expected = {**expected, "text": "You said: one\ntwo"}  # the vendor itself takes them as one turn
    text, lost = LIMITS.get((chat_cell.account, case), (expected["text"], None))
    fields = {"model": chat_cell.model(scenario), **fields}
    raw = chat_sdk.chat.completions.with_raw_response.create(**fields)
    whole = raw.parse()
    assert completion_said(whole) == {**expected, "text": text}
    if lost is not None:
        assert lost in chat_cell.lost(raw.headers)
    assert whole.model == chat_cell.names(scenario)
    assert completion_whole(streamed_completion(chat_sdk, **fields)) == completion_whole(whole)


def test_same_dialect_answers_are_the_vendor_s_own(house: House) -> None:
    cells = [OpenAICell(house, place) for place in ("direct", "chat")]
    for scenario, fields, _ in CASES.values():
        answers: list[Any] = []
        for cell in cells:
            with cell.client() as sdk:
                answers.append(sdk.chat.completions.create(model=cell.model(scenario), **fields).model_dump())
        assert answers[0] == answers[1]


@pytest.mark.parametrize("asked", [True, False])
def test_raw_chunks(chat_sdk: openai.OpenAI, chat_cell: OpenAICell, asked: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = list(
        chat_sdk.chat.completions.create(
            model=chat_cell.model(), messages=user("one two"), stream=True, **options
        )
    )
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert [delta.role for delta in deltas if delta.role] == ["assistant"]
    assert deltas[0].role == "assistant"
    assert [delta.content for delta in deltas if delta.content] == ["You ", "said: ", "one ", "two"]
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert finishes == ["stop"]
    assert len({(chunk.id, chunk.model, chunk.created, chunk.object) for chunk in chunks}) == 1
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [asked]
    assert (chunks[-1].choices == []) is asked


def test_usage_counts(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    made = chat_sdk.chat.completions.create(model=chat_cell.model(), messages=user("hello there"))
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (6, 4, 10)
    if chat_cell.account == "gemini":
        return  # it says nothing of a cache that was not used, and nothing is made up
    assert made.usage.prompt_tokens_details is not None
    assert made.usage.prompt_tokens_details.cached_tokens == 0


def test_cached_tokens_are_inside_the_prompt_tokens(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    """Chat counts a prompt with its cached part, Anthropic without it."""
    mark: Any = {"prompt_cache_breakpoint": {"mode": "explicit"}} if chat_cell.account == "chat" else {}
    mark = mark or {"cache_control": {"type": "ephemeral"}}
    marked = [{"type": "text", "text": "x" * 6000, **mark}]
    history = [*user(marked), {"role": "assistant", "content": "noted"}, *user("more")]
    made = chat_sdk.chat.completions.create(model=chat_cell.model(), messages=history)
    assert made.usage is not None
    assert made.usage.prompt_tokens_details is not None
    total = (
        6000 // 4
        + len("noted") // 4
        + 1
        + len("more") // 4
        + chat_cell.pick(chat=9 + len("explicit") // 4, responses=9, rest=3)
    )
    assert made.usage.prompt_tokens == total
    cached = chat_cell.pick(claude=total * 3 // 4, rest=total // 128 * 128)
    assert made.usage.prompt_tokens_details.cached_tokens == cached
    assert made.usage.total_tokens == total + made.usage.completion_tokens


@pytest.mark.parametrize("base", ["claude-haiku-4-5", "claude-opus-5"])
def test_a_late_system_message_keeps_its_place(house: House, base: str) -> None:
    cell = OpenAICell(house, "claude")
    with cell.client() as sdk:
        made = sdk.chat.completions.create(model=cell.model(base=base), messages=LATE)
    reminded = "You said: <system-reminder>\nbe brief\n</system-reminder>\nsecond"
    expected = "You said: second\nSystem: be brief" if base == "claude-opus-5" else reminded
    assert made.choices[0].message.content == expected
    assert "system" not in house.claude.last.json


@pytest.mark.parametrize("place", ["direct", "chat"])
def test_a_late_system_message_at_its_own_vendor(house: House, place: str) -> None:
    cell = OpenAICell(house, place)
    with cell.client() as sdk:
        made = sdk.chat.completions.create(model=cell.model(), messages=LATE)
    assert made.choices[0].message.content == "You said: second\nSystem: be brief"
    assert house.chat.last.json["messages"] == LATE


ENDINGS: dict[str, tuple[Any, Any]] = {
    "refusal": (
        {"text": None, "finish": "stop", "refusal": "I can't help with that."},
        {"text": None, "finish": "content_filter"},
    ),
    "content-filter": ({"text": "", "finish": "content_filter"}, {"text": None, "finish": "content_filter"}),
    "pause-turn": ({"text": "Let me think about that for longer.", "finish": "stop"},) * 2,
    "context-full": ({"text": "There is no room for", "finish": "length"},) * 2,
    "empty": ({"text": "", "finish": "stop"}, {"text": None, "finish": "stop"}),
}


def _spoken(said: dict[str, Any]) -> dict[str, Any]:
    """Return the same from a vendor whose answers have no place for an empty text."""
    return {**said, "text": said["text"] or None}


@pytest.mark.parametrize("scenario", ENDINGS)
def test_endings(chat_sdk: openai.OpenAI, chat_cell: OpenAICell, scenario: str) -> None:
    at_chat, at_claude = ENDINGS[scenario]
    fields: Any = {"model": chat_cell.model(scenario), "messages": user("go")}
    whole = chat_sdk.chat.completions.create(**fields)
    assert completion_said(whole) == chat_cell.pick(chat=at_chat, responses=_spoken(at_chat), rest=at_claude)
    assert completion_whole(streamed_completion(chat_sdk, **fields)) == completion_whole(whole)


def test_the_filter_and_the_cap_raise_in_parse(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        chat_sdk.chat.completions.parse(
            model=chat_cell.model("long-50"), messages=user("go"), max_tokens=1, tools=[_strict(OPENAI_TOOL)]
        )
    with pytest.raises(openai.ContentFilterFinishReasonError):
        chat_sdk.chat.completions.parse(model=chat_cell.model("content-filter"), messages=user("go"))


def _strict(tool: dict[str, Any]) -> Any:
    schema = {**tool["function"]["parameters"], "additionalProperties": False}
    return {**tool, "function": {**tool["function"], "parameters": schema, "strict": True}}


def test_citations(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    fields: Any = {"model": chat_cell.model("citations"), "messages": user("hi")}
    made = chat_sdk.chat.completions.create(**fields)
    (note,) = made.choices[0].message.annotations or []
    cited = (note.url_citation.url, note.url_citation.title)
    assert cited == ("https://example.com/lighthouse", "The lighthouse")
    assert made.choices[0].message.content == "You said: hi"


def test_two_choices(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    """Messages and Responses have one answer only: asking for two is refused, never answered by one."""
    fields: Any = {"model": chat_cell.model(), "messages": user("hi"), "n": 2}
    if chat_cell.account in ("claude", "responses"):
        with pytest.raises(openai.BadRequestError) as caught:
            chat_sdk.chat.completions.create(**fields)
        assert caught.value.param == "n"
        assert not chat_cell.up.calls
        return
    whole = chat_sdk.chat.completions.create(**fields)
    assert [c.message.content for c in whole.choices] == ["You said: hi", "You said: hi (choice 1)"]
    assert completion_whole(streamed_completion(chat_sdk, **fields)) == completion_whole(whole)


def test_logprobs(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    fields: Any = {"model": chat_cell.model(), "messages": user("a b"), "logprobs": True, "top_logprobs": 2}
    raw = chat_sdk.chat.completions.with_raw_response.create(**fields)
    entries = raw.parse().choices[0].logprobs
    if chat_cell.account == "claude":
        assert entries is None
        assert set((raw.headers["x-flowrouter-losses"]).split(",")) == {"logprobs", "top_logprobs"}
        return
    assert entries is not None
    assert "".join(entry.token for entry in entries.content or ()) == "You said: a b"


async def test_the_async_client(async_chat_sdk: openai.AsyncOpenAI, chat_cell: OpenAICell) -> None:
    fields: Any = {"model": chat_cell.model(), "messages": user("hi")}
    whole = await async_chat_sdk.chat.completions.create(**fields)
    assert completion_said(whole) == {"text": "You said: hi", "finish": "stop"}
    pieces: list[str] = []
    async for chunk in await async_chat_sdk.chat.completions.create(stream=True, **fields):
        pieces += [choice.delta.content or "" for choice in chunk.choices]
    assert "".join(pieces) == "You said: hi"
    async with async_chat_sdk.chat.completions.stream(
        stream_options={"include_usage": True}, **fields
    ) as stream:
        assert completion_whole(await stream.get_final_completion()) == completion_whole(whole)


@pytest.mark.parametrize("cut", ["cut-1", "cut-7", "cut-random-3", "quirk-crlf", "quirk-comments"])
def test_any_cut_of_the_vendor_s_stream(chat_sdk: openai.OpenAI, chat_cell: OpenAICell, cut: str) -> None:
    fields: Any = {"model": chat_cell.model(f"unicode+{cut}"), "messages": user("hi")}
    whole = chat_sdk.chat.completions.create(**fields)
    final = streamed_completion(chat_sdk, **fields)
    assert completion_whole(final) == completion_whole(whole)
    assert final.choices[0].message.content == UNICODE


@pytest.mark.parametrize("place", ACCOUNTS)
@pytest.mark.parametrize("habit", ["quirk-bom", "gzip"])
def test_other_habits_of_hosts(house: House, place: str, habit: str) -> None:
    cell = OpenAICell(house, place)
    assert cell.ask(f"unicode+{habit}", stream=True).text == UNICODE


def test_base_models_of_the_vendor(house: House) -> None:
    """A reasoning model of OpenAI's takes neither `max_tokens` nor sampling; the gateway sends what it takes."""
    cell = OpenAICell(house, "chat")
    with cell.client() as sdk:
        made = sdk.chat.completions.create(
            model=cell.model(base="gpt-5.2"), messages=user("hi"), max_completion_tokens=900
        )
    assert made.choices[0].message.content == "You said: hi"
    assert made.usage is not None
    assert made.usage.completion_tokens_details is not None
    assert (made.usage.completion_tokens_details.reasoning_tokens or 0) > 0
    assert "gpt-4.1" not in str(house.chat.last.json)
