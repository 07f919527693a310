"""OpenAI's SDK asking for responses: plain answers, whole and streamed, and everything that shapes them."""

import json
from typing import Any

import openai
import pydantic
import pytest

from tests.conformance.cells import ResponsesCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import PDF, PNG, RESPONSES_TOOL, b64, response_said, response_whole, seen
from tests.upstreams.brain import UNICODE


class City(pydantic.BaseModel):
    city: str
    people: int
    twins: list[str]


PARIS = City(city="Paris", people=7, twins=["twins 1"])
PARTS = [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}]
TURNS = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "noted"},
    {"role": "user", "content": "more"},
]
PHASED = [
    {"role": "assistant", "phase": "commentary", "content": "hm"},
    {"role": "user", "content": "more"},
]

CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "text": ("", {"input": "hello there"}, "You said: hello there"),
    "parts": ("", {"input": [{"role": "user", "content": PARTS}]}, "You said: one\ntwo"),
    "scripts": ("unicode", {"input": "hi"}, UNICODE),
    "instructions": ("", {"input": "hi", "instructions": "be terse"}, "You said: hi\nSystem: be terse"),
    "developer": ("", {"input": [{"role": "developer", "content": "be terse"}, {"role": "user", "content": "hi"}]}, "You said: hi\nSystem: be terse"),
    "later turn": ("", {"input": TURNS}, "You said: more"),
    "phases": ("", {"input": [*TURNS[:1], *PHASED]}, "You said: more"),
    "sampling": ("", {"input": "hi", "temperature": 0.5, "top_p": 0.9}, "You said: hi"),
    "settings": ("", {"input": "hi", "metadata": {"a": "b"}, "store": False, "user": "u-1", "prompt_cache_key": "k", "truncation": "disabled", "service_tier": "auto"}, "You said: hi"),
    "verbosity": ("", {"input": "hi", "text": {"verbosity": "low"}}, "You said: hi"),
    "long": ("long-2000", {"input": "go"}, " ".join(f"word{i}" for i in range(2000))),
}  # fmt: skip


def streamed(sdk: openai.OpenAI, **fields: Any) -> Any:
    """Return the response of the event that ends a stream, whichever it is."""
    (*_, last) = sdk.responses.create(stream=True, **fields)
    assert last.type in ("response.completed", "response.incomplete"), last
    return last.response


@pytest.mark.parametrize("case", CASES)
def test_whole_and_streamed_answers_agree(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell, case: str
) -> None:
    scenario, fields, expected = CASES[case]
    fields = {"model": responses_cell.model(scenario), **fields}
    whole = responses_sdk.responses.create(**fields)
    assert response_said(whole) == {"items": [expected], "status": "completed"}
    assert whole.model == responses_cell.names(scenario)
    assert whole.output_text == expected
    with responses_sdk.responses.stream(**fields) as stream:
        final = stream.get_final_response()
    assert response_whole(final) == response_whole(whole)


def test_same_dialect_answers_are_the_vendor_s_own(house: House) -> None:
    cells = [ResponsesCell(house, place) for place in ("direct", "responses")]
    for scenario, fields, _ in CASES.values():
        answers: list[Any] = []
        for cell in cells:
            with cell.client() as sdk:
                made = sdk.responses.create(model=cell.model(scenario), **fields)
                answers.append(made.model_dump())
        assert answers[0] == answers[1]


def test_the_events(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    events = list(responses_sdk.responses.create(model=responses_cell.model(), input="one two", stream=True))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 4,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [e.delta for e in events if e.type == "response.output_text.delta"] == [
        "You ",
        "said: ",
        "one ",
        "two",
    ]
    (added,) = [e.item for e in events if e.type == "response.output_item.added"]
    (done,) = [e.item for e in events if e.type == "response.output_item.done"]
    assert added.id == done.id


def test_usage_counts(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    made = responses_sdk.responses.create(model=responses_cell.model(), input="hello there")
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens, made.usage.total_tokens) == (6, 4, 10)
    assert made.usage.input_tokens_details.cached_tokens == 0


def test_settings_are_echoed(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """Clients read what the response ran with; the vendor tells it, so the gateway tells it of the others."""
    made = responses_sdk.responses.create(
        model=responses_cell.model(),
        input="hi",
        instructions="be terse",
        metadata={"a": "b"},
        tools=[_any(RESPONSES_TOOL)],
    )
    assert (made.instructions, made.metadata, made.parallel_tool_calls) == ("be terse", {"a": "b"}, True)
    assert [tool.name for tool in made.tools if tool.type == "function"] == ["get_weather"]
    assert made.object == "response"
    assert made.error is None


def _any(value: Any) -> Any:
    return value


@pytest.mark.parametrize("scenario", ["long-50", "context-full", "content-filter"])
def test_incomplete_answers(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell, scenario: str
) -> None:
    fields: Any = {"model": responses_cell.model(scenario), "input": "go", "max_output_tokens": 16}
    whole = responses_sdk.responses.create(**fields)
    if scenario == "content-filter" and responses_cell.account == "claude":
        assert response_said(whole)["items"] == []  # Anthropic calls it a refusal, and says nothing
        return
    assert whole.status == "incomplete"
    assert whole.incomplete_details is not None
    filtered = scenario == "content-filter"
    assert whole.incomplete_details.reason == ("content_filter" if filtered else "max_output_tokens")
    events = list(responses_sdk.responses.create(stream=True, **fields))
    assert events[-1].type == "response.incomplete"
    assert response_whole(events[-1].response) == response_whole(whole)
    with responses_sdk.responses.stream(**fields) as stream, pytest.raises(RuntimeError, match="completed"):
        stream.get_final_response()


def test_a_refusal(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """OpenAI's models say why; Anthropic tells it beside the answer, Gemini answers nothing at all."""
    fields: Any = {"model": responses_cell.model("refusal"), "input": "go"}
    whole = responses_sdk.responses.create(**fields)
    words = {"items": [("refusal", "I can't help with that.")], "status": "completed"}
    nothing = {"items": [], "status": "incomplete"}
    assert response_said(whole) == responses_cell.pick(chat=words, responses=words, rest=nothing)
    assert response_whole(streamed(responses_sdk, **fields)) == response_whole(whole)


def test_an_empty_answer(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    whole = responses_sdk.responses.create(model=responses_cell.model("empty"), input="go")
    assert (whole.output_text, whole.status) == ("", "completed")


def test_citations(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    fields: Any = {"model": responses_cell.model("citations"), "input": "hi"}
    whole = responses_sdk.responses.create(**fields)
    (message,) = whole.output
    assert message.type == "message"
    (part,) = message.content
    assert part.type == "output_text"
    (note,) = part.annotations
    assert note.type == "url_citation"
    assert (note.url, note.title) == ("https://example.com/lighthouse", "The lighthouse")
    assert response_whole(streamed(responses_sdk, **fields)) == response_whole(whole)


def test_logprobs(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    fields: Any = {"model": responses_cell.model(), "input": "a b", "top_logprobs": 2}
    raw = responses_sdk.responses.with_raw_response.create(include=["message.output_text.logprobs"], **fields)
    (message,) = raw.parse().output
    assert message.type == "message"
    (part,) = message.content
    assert part.type == "output_text"
    if responses_cell.account == "claude":
        assert not part.logprobs
        assert "top_logprobs" in responses_cell.lost(raw.headers)
        return
    assert "".join(entry.token for entry in part.logprobs or ()) == "You said: a b"


async def test_the_async_client(
    async_responses_sdk: openai.AsyncOpenAI, responses_cell: ResponsesCell
) -> None:
    fields: Any = {"model": responses_cell.model(), "input": "hi"}
    whole = await async_responses_sdk.responses.create(**fields)
    assert whole.output_text == "You said: hi"
    async with async_responses_sdk.responses.stream(**fields) as stream:
        assert response_whole(await stream.get_final_response()) == response_whole(whole)


@pytest.mark.parametrize("cut", ["cut-1", "cut-7", "cut-random-3", "quirk-crlf", "quirk-comments"])
def test_any_cut_of_the_vendor_s_stream(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell, cut: str
) -> None:
    fields: Any = {"model": responses_cell.model(f"unicode+{cut}"), "input": "hi"}
    whole = responses_sdk.responses.create(**fields)
    final = streamed(responses_sdk, **fields)
    assert response_whole(final) == response_whole(whole)
    assert final.output_text == UNICODE


@pytest.mark.parametrize("place", ACCOUNTS)
@pytest.mark.parametrize(
    "habit", ["quirk-bom", "gzip", "quirk-no-event-lines", "quirk-only-final", "quirk-done"]
)
def test_habits_of_hosts(house: House, place: str, habit: str) -> None:
    assert ResponsesCell(house, place).ask(f"unicode+{habit}", stream=True).text == UNICODE


# structure and media


def test_parse(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    fields: Any = {"model": responses_cell.model(), "input": "who", "text_format": City}
    assert responses_sdk.responses.parse(**fields).output_parsed == PARIS
    with responses_sdk.responses.stream(**fields) as stream:
        assert stream.get_final_response().output_parsed == PARIS


async def test_parse_async(async_responses_sdk: openai.AsyncOpenAI, responses_cell: ResponsesCell) -> None:
    made = await async_responses_sdk.responses.parse(
        model=responses_cell.model(), input="who", text_format=City
    )
    assert made.output_parsed == PARIS


def test_a_format_by_hand(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form: Any = {"format": {"type": "json_schema", "name": "count", "schema": schema}}
    made = responses_sdk.responses.create(model=responses_cell.model(), input="who", text=form)
    assert json.loads(made.output_text) == {"n": 7}


def test_media(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    parts: list[Any] = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{b64(PNG)}", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{b64(PDF)}"},
    ]
    fields: Any = {"model": responses_cell.model(), "input": [{"role": "user", "content": parts}]}
    whole = responses_sdk.responses.create(**fields)
    lines = whole.output_text.splitlines()
    assert seen("image/png", PNG) in lines
    assert seen("application/pdf", PDF) in lines
    assert response_whole(streamed(responses_sdk, **fields)) == response_whole(whole)


def test_addresses(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """Gemini opens none of the open net: there an address is refused, never left out."""
    parts: list[Any] = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
    ]
    fields: Any = {"model": responses_cell.model(), "input": [{"role": "user", "content": parts}]}
    if responses_cell.account == "gemini":
        with pytest.raises(openai.BadRequestError, match=r"content\[1\]"):
            responses_sdk.responses.create(**fields)
        return
    assert "Seen: url at https://example.com/a.png" in responses_sdk.responses.create(**fields).output_text


def test_an_image_of_a_kind_nobody_takes(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    responses_cell.house.refusals_meant = True
    parts: Any = [
        {"type": "input_image", "detail": "auto", "image_url": "data:image/tiff;base64,SUkqAAgAAAA="}
    ]
    with pytest.raises(openai.BadRequestError):
        responses_sdk.responses.create(
            model=responses_cell.model(), input=[{"role": "user", "content": parts}]
        )


# thoughts and errors


def test_summaries_are_shown(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    fields: Any = {
        "model": responses_cell.model(base=responses_cell.thinker),
        "input": "hi",
        "reasoning": {"effort": "medium", "summary": "auto"},
    }
    whole = responses_sdk.responses.create(**fields)
    thought = ("reasoning", "The user says 'hi'. I should answer plainly.")
    assert response_said(whole) == {"items": [thought, "You said: hi"], "status": "completed"}
    assert whole.usage is not None
    assert whole.usage.output_tokens_details.reasoning_tokens == 8
    assert response_whole(streamed(responses_sdk, **fields)) == response_whole(whole)


def test_an_error_inside_a_stream_is_a_failed_response(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell
) -> None:
    fields: Any = {"model": responses_cell.model("fault-midstream-error+gap-40"), "input": "one two three"}
    events = list(responses_sdk.responses.create(stream=True, **fields))
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "failed"
    assert events[-1].response.error is not None
    assert "overloaded" in events[-1].response.error.message.lower()
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_background_is_refused_by_name(house: House) -> None:
    for place in ACCOUNTS:
        cell = ResponsesCell(house, place)
        with cell.client() as sdk, pytest.raises(openai.BadRequestError) as caught:
            sdk.responses.create(model=cell.model(), input="hi", background=True)
        assert caught.value.param == "background"
        assert not cell.up.calls
