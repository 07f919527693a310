"""The vendor's request messages, and its 400 for a body that does not fit them."""

from typing import Any

from google.genai import types

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.gemini.proto import Dictionary, Message, Reader, Violation

# The SDK's classes serve two APIs. These fields its own converters refuse for this one; and of a schema this API takes
# only what the OpenAPI subset has: the other keywords belong into `parametersJsonSchema`.
ABSENT: dict[Any, frozenset[str]] = {
    types.FunctionCall: frozenset({"partial_args", "will_continue"}),
    types.FunctionCallingConfig: frozenset({"stream_function_call_arguments"}),
    types.GenerationConfig: frozenset({"audio_timestamp", "model_selection_config", "routing_config"}),
    types.GoogleMaps: frozenset({"grounding_types"}),
    types.GoogleSearch: frozenset({"blocking_confidence", "exclude_domains"}),
    types.ImageConfig: frozenset(
        {"image_output_options", "output_compression_quality", "output_mime_type"}
        | {"person_generation", "prominent_people"}
    ),
    types.SafetySetting: frozenset({"method"}),
    types.Schema: frozenset({"additional_properties", "defs", "ref"}),
    types.Tool: frozenset({"enterprise_web_search", "exa_ai_search", "parallel_ai_search", "retrieval"}),
}
ADDED = {types.GenerationConfig: {"image_config": ("imageConfig", types.ImageConfig)}}
DICTIONARY = Dictionary(absent=ABSENT, added=ADDED)

GENERATE = Message(
    "GenerateContentRequest",
    {
        "model": ("model", str),
        "contents": ("contents", list[types.Content]),
        "tools": ("tools", list[types.Tool]),
        "tool_config": ("toolConfig", types.ToolConfig),
        "safety_settings": ("safetySettings", list[types.SafetySetting]),
        "system_instruction": ("systemInstruction", types.Content),
        "generation_config": ("generationConfig", types.GenerationConfig),
        "cached_content": ("cachedContent", str),
        "service_tier": ("serviceTier", types.ServiceTier),
        "labels": ("labels", dict[str, str]),
        "store": ("store", bool),
        "continuation_token": ("continuationToken", bytes),
    },
)
COUNT = Message(
    "CountTokensRequest",
    {
        "model": ("model", str),
        "contents": ("contents", list[types.Content]),
        "generate_content_request": ("generateContentRequest", GENERATE),
    },
)
EMBED = Message(
    "EmbedContentRequest",
    {
        "model": ("model", str),
        "content": ("content", types.Content),
        "task_type": ("taskType", str),
        "title": ("title", str),
        "output_dimensionality": ("outputDimensionality", int),
    },
)
EMBED_MANY = Message(
    "BatchEmbedContentsRequest", {"model": ("model", str), "requests": ("requests", list[EMBED])}
)


def violated(*violations: Violation) -> Refusal:
    """A 400 that names the fields it is about, as the parser's are."""
    listed = [{"field": each.field, "description": each.description} for each in violations]
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed}]
    return Refusal(400, "\n".join(each.description for each in violations), details=details)


def bad(message: str) -> Refusal:
    """A 400 in the model server's manner: a message, no details."""
    return Refusal(400, message)


def wrong(where: str, message: str, *, request: str = "GenerateContentRequest") -> Refusal:
    """A 400 about one field, in the manner of the request validator."""
    return bad(f"* {request}.{where}: {message}\n")


def spelled(exchange: Exchange, message: Message = GENERATE) -> dict[str, Any]:
    """Return the body in its one spelling, without complaint."""
    body: dict[str, Any] = Reader(DICTIONARY, lenient=True).read(message, exchange.body)
    return body


def check_shape(exchange: Exchange, message: Message = GENERATE) -> dict[str, Any]:
    """Return the body in its one spelling; raises Refusal with all that does not fit the vendor's messages."""
    reader = Reader(DICTIONARY, lenient=exchange.lenient)
    body: dict[str, Any] = reader.read(message, exchange.body)
    if reader.violations:
        raise violated(*reader.violations)
    return body
