"""Google's SDK: plain answers, whole and streamed, structure, media, embeddings, counts and lists."""

import enum
from typing import Any

import pydantic
import pytest
from google import genai
from google.genai import errors, types

from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import PDF, PNG, content_said, content_whole, contents_whole, seen
from tests.upstreams.brain import UNICODE

AIOHTTP = "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
"""The SDK subclasses the session of its HTTP client, of which that client complains."""
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


class City(pydantic.BaseModel):
    city: str
    people: int
    twins: list[str]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


PARIS = City(city="Paris", people=7, twins=["twins 1"])
TURNS = [
    types.UserContent("hi"),
    types.ModelContent("noted"),
    types.UserContent("more"),
]


def config(**fields: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(**fields)


CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "text": ("", {"contents": "hello there"}, "You said: hello there"),
    "parts": ("", {"contents": ["one", "two"]}, "You said: one\ntwo"),
    "scripts": ("unicode", {"contents": "hi"}, UNICODE),
    "system": ("", {"contents": "hi", "config": config(system_instruction="be terse")}, "You said: hi\nSystem: be terse"),
    "later turn": ("", {"contents": TURNS}, "You said: more"),
    "stop": ("", {"contents": "one two three", "config": config(stop_sequences=["nowhere", "three"])}, "You said: one two "),
    "sampling": ("", {"contents": "hi", "config": config(temperature=0.5, top_p=0.9)}, "You said: hi"),
    "knobs": ("", {"contents": "hi", "config": config(seed=7, presence_penalty=0.5, frequency_penalty=0.5, top_k=40)}, "You said: hi"),
    "safety": ("", {"contents": "hi", "config": config(safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}])}, "You said: hi"),
    "long": ("long-2000", {"contents": "go", "config": config(max_output_tokens=9000)}, " ".join(f"word{i}" for i in range(2000))),
}  # fmt: skip
JUDGED = {"stop": ("responses",)}
"""Where a vendor cannot do it: the answer goes on, and the receipt says so."""


@pytest.mark.parametrize("case", CASES)
def test_whole_and_streamed_answers_agree(
    gemini_sdk: genai.Client, gemini_cell: GeminiCell, case: str
) -> None:
    scenario, fields, expected = CASES[case]
    fields = {"model": gemini_cell.model(scenario), **fields}
    whole = gemini_sdk.models.generate_content(**fields)
    if gemini_cell.account in JUDGED.get(case, ()):
        assert "stopSequences" in str(gemini_cell.lost(gemini_cell.headers(whole)))
        expected = "You said: one two three"
    assert content_said(whole) == [expected]
    assert whole.model_version == gemini_cell.names(scenario)
    (candidate,) = whole.candidates or ()
    assert candidate.finish_reason == types.FinishReason.STOP
    assert contents_whole(gemini_sdk.models.generate_content_stream(**fields)) == content_whole(whole)


def test_same_dialect_answers_are_the_vendor_s_own(house: House) -> None:
    cells = [GeminiCell(house, place) for place in ("direct", "gemini")]
    for scenario, fields, _ in CASES.values():
        answers: list[Any] = []
        for cell in cells:
            with cell.client() as sdk:
                made = sdk.models.generate_content(model=cell.model(scenario), **fields)
                answers.append(made.model_dump(exclude={"sdk_http_response"}))
        assert answers[0] == answers[1]


def test_the_chunks(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    chunks = list(gemini_sdk.models.generate_content_stream(model=gemini_cell.model(), contents="one two"))
    assert [chunk.text for chunk in chunks if chunk.text] == ["You ", "said: ", "one ", "two"]
    assert len({(chunk.response_id, chunk.model_version) for chunk in chunks}) == 1
    reasons = [c.finish_reason for chunk in chunks for c in chunk.candidates or () if c.finish_reason]
    assert reasons == [types.FinishReason.STOP]
    assert chunks[-1].usage_metadata is not None


def test_usage_counts(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    usage = gemini_sdk.models.generate_content(
        model=gemini_cell.model(), contents="hello there"
    ).usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (6, 4, 10)
    assert not usage.cached_content_token_count


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_both_versions(house: House, version: str) -> None:
    for place in ACCOUNTS:
        cell = GeminiCell(house, place)
        with cell.client(api_version=version) as sdk:
            made = sdk.models.generate_content(model=cell.model(), contents="hi")
            assert made.text == "You said: hi"
            chunks = sdk.models.generate_content_stream(model=cell.model(), contents="hi")
            assert "".join(chunk.text or "" for chunk in chunks) == "You said: hi"


@pytest.mark.parametrize("scenario", ["long-50", "context-full"])
def test_cut_by_length(gemini_sdk: genai.Client, gemini_cell: GeminiCell, scenario: str) -> None:
    fields: Any = {
        "model": gemini_cell.model(scenario),
        "contents": "go",
        "config": config(max_output_tokens=20),
    }
    whole = gemini_sdk.models.generate_content(**fields)
    (candidate,) = whole.candidates or ()
    assert candidate.finish_reason == types.FinishReason.MAX_TOKENS
    assert whole.text
    assert contents_whole(gemini_sdk.models.generate_content_stream(**fields)) == content_whole(whole)


def test_refused_and_filtered(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    """Each vendor tells it in its own way; the client always sees that it was no ordinary answer."""
    refused = gemini_sdk.models.generate_content(model=gemini_cell.model("refusal"), contents="hi")
    if not gemini_cell.translated:
        assert refused.prompt_feedback is not None
        assert refused.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
        assert refused.text is None
    else:
        (candidate,) = refused.candidates or ()
        assert (candidate.finish_reason, refused.text) in (
            (types.FinishReason.SAFETY, None),
            (types.FinishReason.PROHIBITED_CONTENT, None),
            (types.FinishReason.STOP, "I can't help with that."),
            (types.FinishReason.SAFETY, "I can't help with that."),
        )
    filtered = gemini_sdk.models.generate_content(model=gemini_cell.model("content-filter"), contents="hi")
    (candidate,) = filtered.candidates or ()
    assert candidate.finish_reason in (types.FinishReason.SAFETY, types.FinishReason.PROHIBITED_CONTENT)
    assert filtered.text is None


def test_citations(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    made = gemini_sdk.models.generate_content(model=gemini_cell.model("citations"), contents="hi")
    (candidate,) = made.candidates or ()
    assert candidate.grounding_metadata is not None
    (chunk,) = candidate.grounding_metadata.grounding_chunks or ()
    assert chunk.web is not None
    assert (chunk.web.uri, chunk.web.title) == ("https://example.com/lighthouse", "The lighthouse")


@pytest.mark.parametrize("cut", ["cut-1", "cut-7", "cut-random-3", "quirk-crlf", "quirk-cr"])
def test_any_cut_of_the_vendor_s_stream(gemini_sdk: genai.Client, gemini_cell: GeminiCell, cut: str) -> None:
    fields: Any = {"model": gemini_cell.model(f"unicode+{cut}"), "contents": "hi"}
    whole = gemini_sdk.models.generate_content(**fields)
    final = contents_whole(gemini_sdk.models.generate_content_stream(**fields))
    assert final == content_whole(whole)
    assert final[0] == [["text", UNICODE]]


@pytest.mark.parametrize("place", ACCOUNTS)
@pytest.mark.parametrize("habit", ["quirk-bom", "gzip"])
def test_habits_that_the_sdk_alone_cannot_read(house: House, place: str, habit: str) -> None:
    assert GeminiCell(house, place).ask(f"unicode+{habit}", stream=True).text == UNICODE


def test_a_chat(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    chat = gemini_sdk.chats.create(model=gemini_cell.model(), config=config(system_instruction="be terse"))
    assert chat.send_message("one").text == "You said: one\nSystem: be terse"
    pieces = "".join(chunk.text or "" for chunk in chat.send_message_stream("two"))
    assert pieces == "You said: two\nSystem: be terse"
    assert chat.send_message("three").text == "You said: three\nSystem: be terse"
    assert len(chat.get_history()) >= 6


@pytest.mark.filterwarnings(AIOHTTP)
async def test_the_async_client(gemini_cell: GeminiCell) -> None:
    async with gemini_cell.async_client() as sdk:
        whole = await sdk.models.generate_content(model=gemini_cell.model(), contents="hi")
        assert content_said(whole) == ["You said: hi"]
        stream = await sdk.models.generate_content_stream(model=gemini_cell.model(), contents="hi")
        assert contents_whole([chunk async for chunk in stream]) == content_whole(whole)
        chat = sdk.chats.create(model=gemini_cell.model())
        assert (await chat.send_message("one")).text == "You said: one"


# structure and media


@pytest.mark.parametrize(
    ("field", "schema"),
    [("response_schema", City), ("response_json_schema", City.model_json_schema())],
    ids=["a class", "raw JSON Schema"],
)
def test_structured_output(
    gemini_sdk: genai.Client, gemini_cell: GeminiCell, field: str, schema: Any
) -> None:
    form = config(response_mime_type="application/json", **{field: schema})
    fields: Any = {"model": gemini_cell.model(), "contents": "who", "config": form}
    made = gemini_sdk.models.generate_content(**fields)
    assert City.model_validate_json(made.text or "") == PARIS
    if field == "response_schema":
        assert made.parsed == PARIS
    assert contents_whole(gemini_sdk.models.generate_content_stream(**fields)) == content_whole(made)


def test_a_list_of_a_class(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    """OpenAI's and Anthropic's formats want an object at the top: a list is told lost, or is put into one."""
    form = config(response_mime_type="application/json", response_schema=list[City])
    made = gemini_sdk.models.generate_content(model=gemini_cell.model(), contents="who", config=form)
    if made.parsed != [PARIS]:
        assert gemini_cell.translated
        assert any("responseSchema" in path for path in gemini_cell.lost(gemini_cell.headers(made)))


def test_an_enum(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    form = config(response_mime_type="text/x.enum", response_schema=Colour)
    made = gemini_sdk.models.generate_content(model=gemini_cell.model(), contents="which", config=form)
    if made.parsed != Colour.RED:
        assert gemini_cell.translated
        lost = gemini_cell.lost(gemini_cell.headers(made))
        assert any("response" in path.lower() for path in lost), lost


def test_media(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    contents: Any = [
        "look",
        types.Part.from_bytes(data=PNG, mime_type="image/png"),
        types.Part.from_bytes(data=PDF, mime_type="application/pdf"),
    ]
    fields: Any = {"model": gemini_cell.model(), "contents": contents}
    made = gemini_sdk.models.generate_content(**fields)
    assert (made.text or "").splitlines() == [
        "You said: look",
        seen("image/png", PNG),
        seen("application/pdf", PDF),
    ]
    assert contents_whole(gemini_sdk.models.generate_content_stream(**fields)) == content_whole(made)


def test_audio(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    """Who cannot hear refuses, before anything is sent."""
    sound = types.Part.from_bytes(data=WAV, mime_type="audio/wav")
    fields: Any = {"model": gemini_cell.model(), "contents": ["listen", sound]}
    if not gemini_cell.translated:
        assert seen("audio/wav", WAV) in (gemini_sdk.models.generate_content(**fields).text or "")
        return
    with pytest.raises(errors.ClientError, match="audio") as caught:
        gemini_sdk.models.generate_content(**fields)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert not gemini_cell.up.calls


# counts, embeddings, lists


def test_token_counts(gemini_sdk: genai.Client, gemini_cell: GeminiCell) -> None:
    """The vendor's own at home, an estimate of ours elsewhere; more text is more tokens."""
    few = gemini_sdk.models.count_tokens(model=gemini_cell.model(), contents="hi").total_tokens or 0
    many = (
        gemini_sdk.models.count_tokens(model=gemini_cell.model(), contents="word " * 1000).total_tokens or 0
    )
    assert 0 < few < many
    assert 800 < many < 2000
    if not gemini_cell.translated:
        assert few == 4


def test_embeddings(house: House) -> None:
    made: list[Any] = []
    for place in ("direct", "gemini"):
        cell = GeminiCell(house, place)
        fields = types.EmbedContentConfig(output_dimensionality=12, task_type="RETRIEVAL_QUERY")
        with cell.client() as sdk:
            answer = sdk.models.embed_content(
                model=cell.model(base="gemini-embedding-001"), contents=["a", "b"], config=fields
            )
        made.append([each.values for each in answer.embeddings or ()])
    assert made[0] == made[1]
    assert [len(values) for values in made[0]] == [12, 12]


def test_the_list_of_models(house: House) -> None:
    cell = GeminiCell(house, "gemini")
    with cell.client() as sdk:
        names = [model.name for model in sdk.models.list(config={"page_size": 3})]
        assert names == [f"models/{name}" for name in sorted(house.listed())]
        one = sdk.models.get(model="gemini-2.5-pro")
        assert (one.name, one.input_token_limit) == ("models/gemini-2.5-pro", 1_048_576)
        with pytest.raises(errors.ClientError) as caught:
            sdk.models.get(model="gemini-none")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
