"""What the Gemini API refuses about the conversation: roles, parts, media, function responses, signatures."""

from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from tests.upstreams.dialect import Exchange
from tests.upstreams.gemini.proto import decode_bytes
from tests.upstreams.gemini.shapes import Violation, bad, violated, wrong
from tests.upstreams.gemini.signatures import check_signatures
from tests.upstreams.gemini.turns import Content, Part, Turn, role_of, turns_of
from tests.upstreams.reading import appears_as

# The members of a part of which exactly one is set, with the server's names for them.
DATA = {
    "text": "text",
    "inlineData": "inline_data",
    "fileData": "file_data",
    "functionCall": "function_call",
    "functionResponse": "function_response",
    "executableCode": "executable_code",
    "codeExecutionResult": "code_execution_result",
    "toolCall": "tool_call",
    "toolResponse": "tool_response",
}
IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
OTHER_MEDIA = frozenset(
    {"application/pdf", "application/json", "application/xml", "application/x-javascript"}
)
FAMILIES_OF_MEDIA = ("audio", "video", "text")
FILES = "/v1beta/files/"
VIDEO_HOSTS = frozenset({"www.youtube.com", "youtube.com", "youtu.be"})


def check_contents(exchange: Exchange, contents: list[Content]) -> None:
    """Raise Refusal at the first thing wrong with the conversation."""
    if not contents:
        raise wrong("contents", "contents is not specified")
    for index, content in enumerate(contents):
        if content.get("role", "") not in ("", "user", "model", "function"):
            raise bad("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise wrong(f"contents[{index}].parts", "contents.parts must not be empty.")
        for number, part in enumerate(content["parts"]):
            _check_part(f"contents[{index}].parts[{number}]", part)
    _check_order(exchange, contents)
    _check_responses(contents)
    check_signatures(exchange, contents)


def _check_order(exchange: Exchange, contents: list[Content]) -> None:
    if role_of(contents[0]) == "model":
        if len(contents) == 1:
            raise bad(
                "Please ensure that single turn requests end with a user role or the role field is empty."
            )
        raise bad("Please ensure that multiturn requests begin with a user turn.")
    if exchange.model.has("no-prefill") and role_of(contents[-1]) == "model":
        raise bad("Please ensure that multiturn requests end with a user role or the role field is empty.")
    if exchange.model.has("strict-alternation"):
        for before, after in pairwise(contents):
            if role_of(before) == role_of(after):
                raise bad("Please ensure that multiturn requests alternate between user and model.")


# function calls and their responses


def _check_responses(contents: list[Content]) -> None:
    """Hold each model turn with calls to the one content after it."""
    answered: set[int] = set()
    for turn in turns_of(contents):
        calls: list[Part] = turn.of_kind("functionCall") if turn.role == "model" else []
        if calls:
            after = turn.first + len(turn.contents)
            _check_pairs(calls, Turn("user", after, contents[after : after + 1]).of_kind("functionResponse"))
            answered.add(after)
    for index, content in enumerate(contents):
        if index not in answered and any("functionResponse" in part for part in content["parts"]):
            raise bad(
                "Please ensure that function response turn comes immediately after a function call turn. And the "
                "number of function response parts should be equal to number of function call parts of the function "
                "call turn."
            )


def _check_pairs(calls: list[Part], responses: list[Part]) -> None:
    if len(calls) != len(responses):
        raise bad(
            "Please ensure that the number of function response parts is equal to the number of function call parts "
            "of the function call turn."
        )
    waiting = list(calls)
    for response in responses:
        match = next((call for call in waiting if _fits(call, response)), None)
        if match is None:
            raise bad(
                f"Please ensure that function response `{response.get('name')}` answers a function call of the turn "
                "before it: name and id have to be the same."
            )
        waiting.remove(match)


def _fits(call: Part, response: Part) -> bool:
    """Names have to be the same, ids only where both have one: clients invent ids for calls that came without."""
    named = call.get("name") == response.get("name")
    return named and (not call.get("id") or response.get("id") in (None, "", call["id"]))


# parts


def _check_part(where: str, part: Part) -> None:
    kinds = [name for name in DATA if name in part]
    if not kinds:
        raise wrong(f"{where}.data", "required oneof field 'data' must have one initialized field")
    if len(kinds) > 1:
        raise violated(
            Violation(
                where,
                f"Invalid value at '{where}' (oneof), oneof field 'data' is already set. Cannot set '{kinds[1]}'",
            )
        )
    kind = kinds[0]
    value: Any = part[kind]
    match kind:
        case "inlineData":
            _check_blob(f"{where}.{DATA[kind]}", value)
        case "fileData":
            _check_file(value)
        case "functionCall" | "functionResponse":
            if not value.get("name"):
                raise wrong(f"{where}.{DATA[kind]}.name", "Name cannot be empty.")
            for inner in value.get("parts") or ():
                if "inlineData" in inner:
                    _check_blob(f"{where}.{DATA[kind]}.parts.inline_data", inner["inlineData"])
        case _:
            pass


def _check_blob(where: str, blob: Part) -> None:
    mime = blob.get("mimeType", "")
    family = mime.partition("/")[0]
    if mime not in IMAGES and mime not in OTHER_MEDIA and family not in FAMILIES_OF_MEDIA:
        raise bad(f"Unsupported MIME type: {mime}")
    data = decode_bytes(blob.get("data", ""))
    if not data:
        raise wrong(f"{where}.data", "required field is not set")
    seen = appears_as(data)
    if family == "image" and seen is not None and seen != mime:
        raise bad(
            "Unable to process input image. Please retry or report in https://developers.generativeai.google"
        )
    if mime == "application/pdf" and seen != mime:
        raise bad("The document has no pages.")


def _check_file(file: Part) -> None:
    uri = file.get("fileUri", "")
    address = urlsplit(uri)
    hosted = (
        (address.hostname == "generativelanguage.googleapis.com" and address.path.startswith(FILES))
        or address.scheme == "gs"
        or address.hostname in VIDEO_HOSTS
    )
    if not hosted:
        raise bad(f"Invalid or unsupported file uri: {uri}")
