"""The vendor's request type for Chat Completions, and its wording of misfits."""

import re

from openai.types.chat import completion_create_params

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.vendor_types import Fields, Problem, check_fields, fields_of

_SHAPE = fields_of(completion_create_params.CompletionCreateParamsBase)
REQUEST = Fields({**_SHAPE.hints, "stream": bool | None}, _SHAPE.required, open=False)
REASONING_HOST_FIELDS = frozenset({"thinking", "reasoning", "enable_thinking", "reasoning_format"})
REASONING_MESSAGE_FIELDS = frozenset({"reasoning_content", "reasoning", "reasoning_details"})
RETURNED_FIELD = "annotations"
"""Answers carry it, and OpenAI takes their messages back as they came, though its request type does not say so."""
NAME = re.compile(r"^[a-zA-Z0-9_-]+$")


def bad(message: str, *, param: str | None = None, code: str | None = None) -> Refusal:
    """A 400 in OpenAI's manner."""
    return Refusal(400, message, param=param, code=code)


def check_shape(exchange: Exchange) -> None:
    """Raise Refusal naming the first field that does not fit the vendor's type, top-level ones first."""
    check_against(REQUEST, exchange)


def check_against(fields: Fields, exchange: Exchange) -> None:
    """The same for another request type of the vendor's."""
    problems = [p for p in check_fields(fields, exchange.body) if not _excused(p, exchange)]
    if problems:
        raise worded(min(problems, key=lambda p: len(p.keys) > 1))


def _excused(problem: Problem, exchange: Exchange) -> bool:
    if problem.kind != "extra":
        return False
    if exchange.lenient or problem.keys[-1] == RETURNED_FIELD:
        return True
    if not exchange.model.shows_reasoning and not exchange.model.has("reasoning-echo-forbidden"):
        return False
    name = problem.keys[-1]
    return name in REASONING_HOST_FIELDS if len(problem.keys) == 1 else name in REASONING_MESSAGE_FIELDS


def spelled(keys: tuple[str | int, ...]) -> str:
    """Spell a path as OpenAI does: messages[0].content[1].text."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


NAMES_OF_TYPES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def worded(problem: Problem) -> Refusal:
    """Word a problem as OpenAI does."""
    path = spelled(problem.keys)
    match problem.kind:
        case "extra" if len(problem.keys) == 1:
            return bad(f"Unrecognized request argument supplied: {path}")
        case "extra":
            return bad(f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")
        case "missing":
            return bad(
                f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter"
            )
        case "type":
            got = NAMES_OF_TYPES.get(type(problem.value), "a number")
            return bad(
                f"Invalid type for '{path}': expected {problem.expected}, but got {got} instead.",
                param=path,
                code="invalid_type",
            )
        case "literal" | "tag":
            return bad(
                f"Invalid value: '{problem.value}'. Supported values are: {problem.expected}.",
                param=path,
                code="invalid_value",
            )


def check_length(where: str, text: str, longest: int) -> None:
    """Refuse an empty or over-long string."""
    if not text:
        raise bad(f"Invalid '{where}': empty string.", param=where, code="empty_string")
    if len(text) > longest:
        raise bad(
            f"Invalid '{where}': string too long. Expected a string with maximum length {longest}, but got a "
            f"string with length {len(text)} instead.",
            param=where,
            code="string_above_max_length",
        )


def check_name(where: str, name: str) -> None:
    """Refuse a name outside the charset or the length of function names."""
    check_length(where, name, 64)
    if not NAME.match(name):
        raise bad(
            f"Invalid '{where}': string does not match pattern. Expected a string that matches the pattern "
            f"'{NAME.pattern}'.",
            param=where,
            code="invalid_value",
        )
