"""Anthropic's SDK: plain answers, whole and streamed, and everything that shapes them."""

from typing import Any

import anthropic
import pytest

from tests.conformance.cells import AnthropicCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import message_said, message_whole, user
from tests.upstreams.brain import UNICODE

PARTS = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
LATE: list[Any] = [
    {"role": "user", "content": "first"},
    {"role": "assistant", "content": "noted"},
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "second"},
]

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "text": ("", {"messages": user("hello there")}, {"blocks": ["You said: hello there"], "stop": "end_turn"}),
    "parts": ("", {"messages": user(PARTS)}, {"blocks": ["You said: one\ntwo"], "stop": "end_turn"}),
    "scripts": ("unicode", {"messages": user("hi")}, {"blocks": [UNICODE], "stop": "end_turn"}),
    "system": ("", {"system": "be terse", "messages": user("hi")}, {"blocks": ["You said: hi\nSystem: be terse"], "stop": "end_turn"}),
    "later turn": ("", {"messages": [*user("hi"), {"role": "assistant", "content": "x"}, *user("more")]}, {"blocks": ["You said: more"], "stop": "end_turn"}),
    "stop": ("", {"messages": user("one two three"), "stop_sequences": ["nowhere", "three"]}, {"blocks": ["You said: one two "], "stop": "stop_sequence"}),
    "length": ("long-50", {"messages": user("go"), "max_tokens": 3}, {"blocks": ["word0 word1 word2 "], "stop": "max_tokens"}),
    "metadata": ("", {"messages": user("hi"), "metadata": {"user_id": "u-1"}, "service_tier": "auto"}, {"blocks": ["You said: hi"], "stop": "end_turn"}),
    "sampling": ("", {"messages": user("hi"), "extra_body": {"temperature": 0.5, "top_k": 40}}, {"blocks": ["You said: hi"], "stop": "end_turn"}),
    "long": ("long-2000", {"messages": user("go"), "max_tokens": 9000}, {"blocks": [" ".join(f"word{i}" for i in range(2000))], "stop": "end_turn"}),
}  # fmt: skip


LIMITS: dict[tuple[str, str], tuple[str, str]] = {
    ("responses", "stop"): ("You said: one two three", "stop_sequences"),
    ("responses", "length"): ("".join(f"word{i} " for i in range(16)), "max_tokens"),
}
"""What a vendor cannot do, the answer without it, and the field that the receipt names as lost."""


@pytest.mark.parametrize("case", CASES)
def test_whole_and_streamed_answers_agree(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell, case: str
) -> None:
    scenario, fields, expected = CASES[case]
    if case == "stop" and claude_cell.translated:
        expected = {**expected, "stop": "end_turn"}  # the others say the same of both
    text, lost = LIMITS.get((claude_cell.account, case), (*expected["blocks"], None))
    fields = {"model": claude_cell.model(scenario), "max_tokens": 500, **fields}
    raw = claude_sdk.messages.with_raw_response.create(**fields)
    whole = raw.parse()
    assert message_said(whole) == {**expected, "blocks": [text]}
    if lost is not None:
        assert lost in claude_cell.lost(raw.headers)
    assert whole.model == claude_cell.names(scenario)
    assert whole.stop_sequence == ("three" if whole.stop_reason == "stop_sequence" else None)
    with claude_sdk.messages.stream(**fields) as stream:
        assert message_whole(stream.get_final_message()) == message_whole(whole)


def test_same_dialect_answers_are_the_vendor_s_own(house: House) -> None:
    cells = [AnthropicCell(house, place) for place in ("direct", "claude")]
    for scenario, fields, _ in CASES.values():
        answers: list[Any] = []
        for cell in cells:
            with cell.client() as sdk:
                asked = {"model": cell.model(scenario), "max_tokens": 500, **fields}
                answers.append(sdk.messages.create(**asked).model_dump())
        assert answers[0] == answers[1]


def test_raw_events(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    events = list(
        claude_sdk.messages.create(
            model=claude_cell.model(), max_tokens=50, messages=user("one two"), stream=True
        )
    )
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    texts = [e.delta.text for e in events if e.type == "content_block_delta" and e.delta.type == "text_delta"]
    assert texts == ["You ", "said: ", "one ", "two"]
    (closing,) = [event for event in events if event.type == "message_delta"]
    assert (closing.delta.stop_reason, closing.usage.output_tokens) == ("end_turn", 4)


def test_the_helper_s_text_and_events(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    fields: Any = {"model": claude_cell.model(), "max_tokens": 50, "messages": user("one two")}
    with claude_sdk.messages.stream(**fields) as stream:
        assert "".join(stream.text_stream) == "You said: one two"
    with claude_sdk.messages.stream(**fields) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "text"]
        assert snapshots[-1] == "You said: one two"
        assert stream.get_final_text() == "You said: one two"


def test_usage_counts(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    made = claude_sdk.messages.create(model=claude_cell.model(), max_tokens=50, messages=user("hello there"))
    assert (made.usage.input_tokens, made.usage.output_tokens) == (6, 4)
    nothing = None if claude_cell.account == "gemini" else 0  # what is not told is not made up
    assert made.usage.cache_read_input_tokens == nothing
    assert made.usage.cache_creation_input_tokens == nothing


@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_cached_tokens_are_outside_the_input(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell, ttl: str
) -> None:
    """Anthropic counts a prompt without its cached part; a Chat vendor caches by itself and includes it."""
    marked: Any = [{"type": "text", "text": "x" * 6000, "cache_control": {"type": "ephemeral", "ttl": ttl}}]
    fields: Any = {"model": claude_cell.model(), "max_tokens": 50, "system": marked}
    first = claude_sdk.messages.create(messages=user("hi"), **fields).usage
    history = [*user("hi"), {"role": "assistant", "content": "noted"}, *user("more")]
    second = claude_sdk.messages.create(messages=history, **fields).usage
    if claude_cell.translated:
        total = claude_cell.pick(chat=1516, responses=1513, gemini=1507)
        assert (second.input_tokens, second.cache_read_input_tokens) == (total - 1408, 1408)
        return
    total = 1500 + 1 + 3
    assert (first.input_tokens, first.cache_creation_input_tokens) == (total - total * 3 // 4, total * 3 // 4)
    assert first.cache_creation is not None
    assert first.cache_creation.ephemeral_1h_input_tokens == (total * 3 // 4 if ttl == "1h" else 0)
    assert first.cache_read_input_tokens == 0
    total = 1500 + 1 + 2 + 1 + 3
    assert (second.input_tokens, second.cache_read_input_tokens) == (total - total * 3 // 4, total * 3 // 4)


def test_cache_marks_are_not_moved_or_added(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    """All four that the vendor allows arrive as they stand; a vendor without marks sees none of them."""
    mark = {"type": "ephemeral", "ttl": "1h"}
    system: Any = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": mark}]
    tools: Any = [
        {"name": "f", "input_schema": {"type": "object"}},
        {"name": "g", "input_schema": {"type": "object"}, "cache_control": mark},
    ]
    messages: Any = [
        {"role": "user", "content": [{"type": "text", "text": "c", "cache_control": mark}]},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": [{"type": "text", "text": "e", "cache_control": {"type": "ephemeral"}}]},
    ]
    raw = claude_sdk.messages.with_raw_response.create(
        model=claude_cell.model(), max_tokens=50, system=system, tools=tools, messages=messages
    )
    sent = claude_cell.up.last.json
    if not claude_cell.translated:
        assert (sent["system"], sent["tools"], sent["messages"]) == (system, tools, messages)
        return
    assert "cache_control" not in str(sent)
    losses = claude_cell.house.receipt(raw.headers["x-request-id"])["request_losses"]
    assert [loss["path"] for loss in losses if "cache_control" in loss["path"]], losses


@pytest.mark.parametrize("place", ["direct", "claude"])
def test_a_late_system_message_at_its_own_vendor(house: House, place: str) -> None:
    cell = AnthropicCell(house, place)
    with cell.client() as sdk:
        made = sdk.messages.create(model=cell.model(base="claude-opus-5"), max_tokens=50, messages=LATE)
    assert message_said(made)["blocks"] == ["You said: second\nSystem: be brief"]


def test_a_late_system_message_elsewhere_keeps_its_place(house: House) -> None:
    for place in ("chat", "responses"):
        cell = AnthropicCell(house, place)
        with cell.client() as sdk:
            made = sdk.messages.create(model=cell.model(), max_tokens=50, messages=LATE)
        assert message_said(made)["blocks"] == ["You said: second\nSystem: be brief"]
        sent = cell.up.last.json
        roles = [message["role"] for message in sent.get("messages") or sent["input"]]
        assert roles in (["user", "assistant", "system", "user"], ["user", "assistant", "developer", "user"])


def test_a_late_system_message_where_there_is_no_such_turn(house: House) -> None:
    cell = AnthropicCell(house, "gemini")
    with cell.client() as sdk:
        made = sdk.messages.create(model=cell.model(), max_tokens=50, messages=LATE)
    assert "be brief" in message_said(made)["blocks"][0]
    assert "systemInstruction" not in house.gemini.last.json, "it was moved away from its place"


def test_attribution_blocks_reach_anthropic_only(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    billing = "x-anthropic-billing-header: cc_version=2.1; cch=00000;"
    system: Any = [{"type": "text", "text": billing}, {"type": "text", "text": "be terse"}]
    raw = claude_sdk.messages.with_raw_response.create(
        model=claude_cell.model(), max_tokens=50, system=system, messages=user("hi")
    )
    if claude_cell.translated:
        assert not claude_cell.up.seen("x-anthropic-billing-header")
        assert message_said(raw.parse())["blocks"] == ["You said: hi\nSystem: be terse"]
        assert raw.headers["x-flowrouter-losses"].startswith("system")
    else:
        assert claude_cell.up.last.json["system"] == system


ENDINGS: dict[str, tuple[Any, Any]] = {
    "refusal": (
        {"blocks": [], "stop": "refusal"},
        {"blocks": ["I can't help with that."], "stop": "refusal"},
    ),
    "content-filter": ({"blocks": [], "stop": "refusal"},) * 2,
    "pause-turn": (
        {"blocks": ["Let me think about that for longer."], "stop": "pause_turn"},
        {"blocks": ["Let me think about that for longer."], "stop": "end_turn"},
    ),
    "context-full": (
        {"blocks": ["There is no room for"], "stop": "model_context_window_exceeded"},
        {"blocks": ["There is no room for"], "stop": "max_tokens"},
    ),
    "empty": ({"blocks": [], "stop": "end_turn"},) * 2,
}


@pytest.mark.parametrize("scenario", ENDINGS)
def test_endings(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell, scenario: str) -> None:
    at_claude, at_chat = ENDINGS[scenario]
    fields: Any = {"model": claude_cell.model(scenario), "max_tokens": 50, "messages": user("go")}
    whole = claude_sdk.messages.create(**fields)
    silent = at_claude if scenario == "refusal" else at_chat  # Gemini refuses without a word
    assert message_said(whole) == claude_cell.pick(claude=at_claude, gemini=silent, rest=at_chat)
    with claude_sdk.messages.stream(**fields) as stream:
        assert message_whole(stream.get_final_message()) == message_whole(whole)


def test_citations(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    """A web citation of Anthropic's carries a vendor's seal; one of Chat's comes with an empty one."""
    fields: Any = {"model": claude_cell.model("citations"), "max_tokens": 50, "messages": user("hi")}
    whole = claude_sdk.messages.create(**fields)
    (block,) = whole.content
    assert block.type == "text"
    (cited,) = block.citations or ()
    assert cited.type == "web_search_result_location"
    assert bool(cited.encrypted_index) is not claude_cell.translated
    assert (cited.url, cited.title) == ("https://example.com/lighthouse", "The lighthouse")
    with claude_sdk.messages.stream(**fields) as stream:
        assert message_whole(stream.get_final_message()) == message_whole(whole)


async def test_the_async_client(
    async_claude_sdk: anthropic.AsyncAnthropic, claude_cell: AnthropicCell
) -> None:
    fields: Any = {"model": claude_cell.model(), "max_tokens": 50, "messages": user("hi")}
    whole = await async_claude_sdk.messages.create(**fields)
    assert message_said(whole) == {"blocks": ["You said: hi"], "stop": "end_turn"}
    kinds = [event.type async for event in await async_claude_sdk.messages.create(stream=True, **fields)]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    async with async_claude_sdk.messages.stream(**fields) as stream:
        assert message_whole(await stream.get_final_message()) == message_whole(whole)


@pytest.mark.parametrize("cut", ["cut-1", "cut-7", "cut-random-3", "quirk-crlf", "quirk-comments"])
def test_any_cut_of_the_vendor_s_stream(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell, cut: str
) -> None:
    fields: Any = {"model": claude_cell.model(f"unicode+{cut}"), "max_tokens": 500, "messages": user("hi")}
    whole = claude_sdk.messages.create(**fields)
    with claude_sdk.messages.stream(**fields) as stream:
        final = stream.get_final_message()
    assert message_whole(final) == message_whole(whole)
    assert message_said(final)["blocks"] == [UNICODE]


@pytest.mark.parametrize("place", ACCOUNTS)
@pytest.mark.parametrize("habit", ["quirk-bom", "gzip"])
def test_habits_that_the_sdk_alone_cannot_read(house: House, place: str, habit: str) -> None:
    cell = AnthropicCell(house, place)
    with cell.client() as sdk:
        made = sdk.messages.stream(model=cell.model(f"unicode+{habit}"), max_tokens=500, messages=user("hi"))
        with made as stream:
            assert stream.get_final_text() == UNICODE


@pytest.mark.parametrize("beta", [False, True])
def test_both_kinds_of_credential_and_the_beta_route(house: House, beta: bool) -> None:
    """Older clients send `x-api-key`, newer ones Bearer; either may stand beside `?beta=true`."""
    for place in ACCOUNTS:
        cell = AnthropicCell(house, place)
        body = {"model": cell.model(), "max_tokens": 50, "messages": user("hi")}
        path = "/v1/messages?beta=true" if beta else "/v1/messages"
        status, _, text = cell.call(path, body, **{"x-api-key": cell.key, "anthropic-version": "2023-06-01"})
        assert (status, b'"You said: hi"' in text) == (200, True)
