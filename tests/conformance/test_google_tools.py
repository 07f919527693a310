"""Google's SDK: functions declared, called by hand and by itself, the thoughts between them, and its errors."""

from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import (
    GOOGLE_SCHEMA,
    GOOGLE_TOOL,
    PNG,
    SCHEMA,
    content_said,
    content_whole,
    contents_whole,
    seen,
)
from tests.conformance.test_google_answers import AIOHTTP

PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})
OTHER = {"name": "get_time", "description": "Tell the time of a city.", "parameters": GOOGLE_SCHEMA}
BOTH = {"function_declarations": [*GOOGLE_TOOL["function_declarations"], OTHER]}
RAW = {"function_declarations": [{"name": "get_weather", "parameters_json_schema": SCHEMA}]}
SIGNERS = {"gemini": "gemini-3.5-flash"}
SHOW = {"include_thoughts": True}


def mode(name: str, *names: str) -> dict[str, Any]:
    allowed = {"allowed_function_names": list(names)} if names else {}
    return {"tool_config": {"function_calling_config": {"mode": name, **allowed}}}


CALLS: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "one": ("use the tool", {}, [PARIS]),
    "two": ("weather in two cities", {}, [PARIS, ROME]),
    "both tools": ("use both tools", {"tools": [BOTH]}, [PARIS, ("get_time", {"city": "Rome"})]),
    "with text": ("use the tool and explain", {}, ["I will look that up.", PARIS]),
    "any": ("hi", mode("ANY"), [PARIS]),
    "one of two": ("hi", {"tools": [BOTH], **mode("ANY", "get_time")}, [("get_time", {"city": "Paris"})]),
    "none": ("weather", mode("NONE"), ["You said: weather"]),
    "auto unused": ("hi", mode("AUTO"), ["You said: hi"]),
    "raw JSON Schema": ("use the tool", {"tools": [RAW]}, [PARIS]),
    "no parameters": ("use the tool", {"tools": [{"function_declarations": [{"name": "ping"}]}]}, [("ping", {})]),
}  # fmt: skip


def signer(cell: GeminiCell) -> str:
    """Return a model of the cell's vendor whose state must come back."""
    return cell.model(base=SIGNERS.get(cell.account, cell.thinker))


def results(content: Any, text: str = "18") -> types.UserContent:
    """Return the results of all calls of a turn."""
    calls = [part.function_call for part in content.parts if part.function_call]
    parts = [types.FunctionResponse(id=c.id, name=c.name, response={"result": text}) for c in calls]
    return types.UserContent([types.Part(function_response=part) for part in parts])


@pytest.mark.parametrize("case", CALLS)
def test_calls_whole_and_streamed(gemini_sdk: genai.Client, gemini_cell: GeminiCell, case: str) -> None:
    text, config, said = CALLS[case]
    fields: Any = {
        "model": gemini_cell.model(),
        "contents": text,
        "config": {"tools": [GOOGLE_TOOL], **config},
    }
    whole = gemini_sdk.models.generate_content(**fields)
    assert content_said(whole) == said
    (candidate,) = whole.candidates or ()
    assert candidate.finish_reason == types.FinishReason.STOP
    assert contents_whole(gemini_sdk.models.generate_content_stream(**fields)) == content_whole(whole)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_loop_by_hand(gemini_sdk: genai.Client, gemini_cell: GeminiCell, streamed: bool) -> None:
    """Every part goes back as it came, signatures too; the vendor that signed them checks them."""
    contents: list[Any] = [types.UserContent("use the tool in three steps: weather in two cities")]
    config: Any = {"tools": [GOOGLE_TOOL], "thinking_config": SHOW}
    fields: Any = {"model": signer(gemini_cell), "config": config}
    for _ in range(3):
        if streamed:
            chunks = list(gemini_sdk.models.generate_content_stream(contents=contents, **fields))
            kept = [c.content for chunk in chunks for c in chunk.candidates or () if c.content]
            content = types.ModelContent([part for each in kept for part in each.parts or ()])
        else:
            made = gemini_sdk.models.generate_content(contents=contents, **fields)
            content = (made.candidates or [])[0].content or types.ModelContent([])
        calls = [part for part in content.parts or () if part.function_call]
        assert [part.function_call.args for part in calls if part.function_call] != []
        assert len(calls) == 2
        contents += [content, results(content)]
    last = gemini_sdk.models.generate_content(contents=contents, **fields)
    assert last.text == "get_weather said: 18; get_weather said: 18"
    assert gemini_cell.up.last.bypasses == 0
    sent = str(gemini_cell.up.last.json)
    seals = {
        "claude": "'signature': 'Eq",
        "gemini": "thoughtSignature",
        "responses": "encrypted_content': 'gAAAA",
    }
    if gemini_cell.account in seals:
        assert sent.count(seals[gemini_cell.account]) == 3


def test_signatures_that_the_client_drops_are_remembered(house: House) -> None:
    """Clients that keep neither thoughts nor signatures get them back all the same."""
    for place in ("claude", "responses"):
        cell = GeminiCell(house, place)
        contents: list[Any] = [types.UserContent("use the tool")]
        fields: Any = {"model": signer(cell), "config": {"tools": [GOOGLE_TOOL], "thinking_config": SHOW}}
        with cell.client() as sdk:
            made = sdk.models.generate_content(contents=contents, **fields)
            calls = [part.function_call for part in made.parts or () if part.function_call]
            content = types.ModelContent([types.Part(function_call=call) for call in calls])
            contents += [content, results(content)]
            assert sdk.models.generate_content(contents=contents, **fields).text == "get_weather said: 18"
        assert cell.pick(claude="'signature': 'Eq", responses="encrypted_content': 'gAAAA") in str(
            cell.up.last.json
        )


def test_thoughts_are_shown(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    config: Any = {"thinking_config": {"include_thoughts": True, "thinking_budget": 1024}}
    fields: Any = {
        "model": gemini_cell.model(base=gemini_cell.thinker),
        "contents": "hi",
        "config": config,
    }
    whole = gemini_sdk.models.generate_content(**fields)
    thought = ("thought", "The user says 'hi'. I should answer plainly.")
    assert content_said(whole) == [thought, "You said: hi"]
    assert whole.text == "You said: hi"
    assert whole.usage_metadata is not None
    assert whole.usage_metadata.thoughts_token_count == 8
    assert contents_whole(gemini_sdk.models.generate_content_stream(**fields)) == content_whole(whole)


def test_a_chat_that_thinks_over_several_turns(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    chat = gemini_sdk.chats.create(
        model=signer(gemini_cell),
        config=types.GenerateContentConfig(thinking_config=types.ThinkingConfig(**SHOW)),
    )
    for text in ("one", "two", "three"):
        assert chat.send_message(text).text == f"You said: {text}"
    assert [received.status for received in gemini_cell.up.calls] == [200] * 3


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"18 degrees in {city}"


@pytest.mark.parametrize("ordinary", [True, False], ids=["ordinary", "thinking"])
def test_a_chat_calls_functions_by_itself(
    gemini_sdk: genai.Client, gemini_cell: GeminiCell, ordinary: bool
) -> None:
    model = gemini_cell.model() if ordinary else signer(gemini_cell)
    chat = gemini_sdk.chats.create(model=model, config=types.GenerateContentConfig(tools=[get_weather]))
    expected = "get_weather said: 18 degrees in Paris; get_weather said: 18 degrees in Rome"
    assert chat.send_message("What is the weather in two cities?").text == expected
    streamed = list(chat.send_message_stream("And again in three steps, the weather in two cities?"))
    assert "get_weather said:" in "".join(chunk.text or "" for chunk in streamed)
    assert chat.send_message("thanks").text == "You said: thanks"
    assert [received.status for received in gemini_cell.up.calls] == [200] * 7


@pytest.mark.filterwarnings(AIOHTTP)
async def test_the_async_client_calls_functions_by_itself(gemini_cell: GeminiCell) -> None:
    async with gemini_cell.async_client() as sdk:
        config = types.GenerateContentConfig(tools=[get_weather])
        made = await sdk.models.generate_content(
            model=gemini_cell.model(), contents="use the tool", config=config
        )
    assert made.text == "get_weather said: 18 degrees in Paris"


def test_results_with_errors_and_remarks(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    contents: list[Any] = [types.UserContent("weather in two cities")]
    fields: Any = {"model": gemini_cell.model(), "config": {"tools": [GOOGLE_TOOL]}}
    made = gemini_sdk.models.generate_content(contents=contents, **fields)
    content: Any = (made.candidates or [])[0].content
    one, two = [part.function_call for part in content.parts if part.function_call]
    good = types.FunctionResponse(id=one.id, name=one.name, response={"output": "18"})
    bad = types.FunctionResponse(id=two.id, name=two.name, response={"error": "no such city"})
    parts = [
        types.Part(function_response=good),
        types.Part(function_response=bad),
        types.Part(text="be quick"),
    ]
    said = (
        gemini_sdk.models.generate_content(
            contents=[*contents, content, types.UserContent(parts)], **fields
        ).text
        or ""
    )
    assert said.startswith("get_weather said: 18; get_weather ")
    assert "no such city" in said
    assert "be quick" in said


def test_results_with_images(house: House) -> None:
    """A line of models that takes images in results gets them there; elsewhere the image stands beside."""
    for place in ("direct", *ACCOUNTS):
        cell = GeminiCell(house, place)
        base = SIGNERS.get(cell.account, cell.base)
        fields: Any = {"model": cell.model(base=base), "config": {"tools": [GOOGLE_TOOL]}}
        contents: list[Any] = [types.UserContent("use the tool")]
        with cell.client() as sdk:
            made = sdk.models.generate_content(contents=contents, **fields)
            content: Any = (made.candidates or [])[0].content
            (call,) = [part.function_call for part in content.parts if part.function_call]
            image = types.FunctionResponsePart.from_bytes(data=PNG, mime_type="image/png")
            result = types.FunctionResponse(
                id=call.id, name=call.name, response={"result": "18"}, parts=[image]
            )
            answer = types.UserContent([types.Part(function_response=result)])
            said = sdk.models.generate_content(contents=[*contents, content, answer], **fields).text or ""
        assert said.startswith("get_weather said: 18")
        assert seen("image/png", PNG) in said.splitlines(), place


def test_hosted_tools(house: House) -> None:
    """Running code is the vendor's own: elsewhere it is a told loss."""
    for place in ACCOUNTS:
        cell = GeminiCell(house, place)
        with cell.client() as sdk:
            made = sdk.models.generate_content(
                model=cell.model(), contents="hi", config={"tools": [{"code_execution": {}}]}
            )
        assert made.text == "You said: hi"
        if cell.translated:
            assert "tools[0]" in str(cell.lost(cell.headers(made)))
        else:
            assert cell.up.last.json["tools"] == [{"codeExecution": {}}]


# errors

REFUSED: dict[str, tuple[int, str]] = {
    "fault-400": (400, "INVALID_ARGUMENT"),
    "fault-404": (404, "NOT_FOUND"),
    "fault-429": (429, "RESOURCE_EXHAUSTED"),
    "fault-503": (503, "UNAVAILABLE"),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", REFUSED)
def test_the_right_exception(
    gemini_sdk: genai.Client, gemini_cell: GeminiCell, fault: str, streamed: bool
) -> None:
    code, status = REFUSED[fault]
    kind = errors.ServerError if code >= 500 else errors.ClientError
    fields: Any = {"model": gemini_cell.model(fault), "contents": "hi"}
    models = gemini_sdk.models
    make = (
        (lambda: list(models.generate_content_stream(**fields)))
        if streamed
        else (lambda: models.generate_content(**fields))
    )
    with pytest.raises(kind) as caught:
        make()
    assert (caught.value.code, caught.value.status) == (code, status)


def test_a_schema_that_the_vendor_refuses_at_home(house: House) -> None:
    """What Google's schema knows and others do not is told or kept; nothing is refused that could be said."""
    schema = {
        "type": "OBJECT",
        "properties": {
            "city": {"type": "STRING", "nullable": True, "format": "enum", "enum": ["Paris", "Rome"]},
            "days": {"type": "ARRAY", "items": {"type": "INTEGER"}, "min_items": 1, "max_items": 2},
        },
        "property_ordering": ["city", "days"],
        "required": ["city"],
    }
    tool = {"function_declarations": [{"name": "get_weather", "parameters": schema}]}
    for place in ("direct", *ACCOUNTS):
        cell = GeminiCell(house, place)
        with cell.client() as sdk:
            made = sdk.models.generate_content(
                model=cell.model(), contents="use the tool", config={"tools": [tool]}
            )
        ((name, arguments),) = content_said(made)
        assert name == "get_weather"
        assert arguments["city"] == "Paris", place
        assert len(arguments["days"]) == 1
