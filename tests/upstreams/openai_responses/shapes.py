"""The vendor's request types for Responses, as its server applies them, and its wording of misfits.

The SDK's types ask for more than the server does: whole output items come back without ids, function tools without
`strict`, images without `detail`, and clients rely on it. Those members are optional here, nothing else is.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, Union, cast, get_args

import typing_extensions
from openai.types import responses
from openai.types.responses import (
    input_token_count_params,
    response_compact_params,
    response_create_params,
    response_input_item_param,
    response_reasoning_item_param,
    tool_param,
)
from openai.types.responses.response_input_message_content_list_param import (
    ResponseInputMessageContentListParam,
)

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.openai_chat.shapes import bad, spelled, worded
from tests.upstreams.vendor_types import Fields, Problem, check, check_fields, fields_of

Item = dict[str, Any]
ROLES = ("assistant", "system", "developer", "user")


def loosened(shape: Any, *optional: str, **changed: Any) -> Any:
    """Return a TypedDict like `shape` with fewer required members, and with other types for some."""
    known = fields_of(shape)
    hints = {**known.hints, **changed}
    required = (known.required | changed.keys() & known.required) - set(optional)
    marked = {
        name: typing_extensions.Required[hint] if name in required else hint for name, hint in hints.items()
    }
    make: Any = typing_extensions.TypedDict
    return make(shape.__name__, marked, total=False)


def _union(members: Any) -> Any:
    return Union[tuple(members)]  # noqa: UP007  the members are known at run time only


IMAGE = loosened(responses.ResponseInputImageParam, "detail")
INPUT_PART = _union(
    IMAGE if part is responses.ResponseInputImageParam else part
    for part in get_args(get_args(ResponseInputMessageContentListParam)[0])
)
OUTPUT_PART = _union(
    (loosened(responses.ResponseOutputTextParam, "annotations"), responses.ResponseOutputRefusalParam)
)
ASSISTANT = loosened(
    responses.ResponseOutputMessageParam, "id", "status", "type", content=str | list[OUTPUT_PART]
)
OTHERS = loosened(
    response_input_item_param.Message, "type", content=str | list[INPUT_PART], role=str, id=str, phase=Any
)
FUNCTION_TOOL = loosened(responses.FunctionToolParam, "parameters", "strict")
# Codex names what kinds of results it can show; the vendor takes it, its SDK does not know it yet.
WEB_SEARCH = loosened(responses.WebSearchToolParam, search_content_types=list[str])
_TOOLS = {responses.FunctionToolParam: FUNCTION_TOOL, responses.WebSearchToolParam: WEB_SEARCH}
TOOL = _union(_TOOLS.get(tool, tool) for tool in get_args(tool_param.ToolParam))


STATUS = Literal["in_progress", "completed", "incomplete"]
# The vendor's own answers carry it, and clients send them back.
MORE: dict[str, dict[str, Any]] = {
    "custom_tool_call": {"status": STATUS},
    "custom_tool_call_output": {"status": STATUS},
    # Codex sends `"content": null` with the encrypted content, and the vendor takes it.
    "reasoning": {"content": Iterable[response_reasoning_item_param.Content] | None},
}


def _item_shapes() -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    for shape in get_args(response_input_item_param.ResponseInputItemParam):
        name = get_args(fields_of(shape).hints["type"])[0]
        if isinstance(name, str):
            shapes[name] = loosened(shape, "id", **MORE.get(name, {}))
    shapes["item_reference"] = response_input_item_param.ItemReference
    return shapes


def _request(shape: Any, **more: Any) -> Fields:
    known = fields_of(shape)
    hints = {**known.hints, "input": object, **more}
    return Fields(hints, known.required, open=False)


ITEMS = _item_shapes()
REQUEST = _request(
    response_create_params.ResponseCreateParamsBase,
    stream=bool | None,
    tools=list[TOOL] | None,
    client_metadata=dict[str, object] | None,
)
COMPACT = _request(response_compact_params.ResponseCompactParams)
COUNT = _request(input_token_count_params.InputTokenCountParams, tools=list[TOOL] | None)


def check_shape(exchange: Exchange, fields: Fields = REQUEST) -> None:
    """Raise Refusal naming the first field that does not fit the vendor's types, top-level ones first."""
    body = exchange.body
    problems = check_fields(fields, body)
    given = body.get("input")
    if isinstance(given, list):
        for index, item in enumerate(cast(list[Any], given)):
            problems += _check_item(item, ("input", index))
    elif given is not None and not isinstance(given, str):
        problems.append(Problem(("input",), "type", "string or array", given))
    if exchange.lenient:
        problems = [problem for problem in problems if problem.kind != "extra"]
    if problems:
        raise _refused(min(problems, key=lambda problem: len(problem.keys) > 1))


def kind_of(item: Item) -> str:
    """Return an item's type; the short forms leave it out."""
    if item.get("type") is not None:
        return item["type"]
    return "message" if "role" in item else "item_reference"


def _check_item(item: Any, path: tuple[str | int, ...]) -> list[Problem]:
    if not isinstance(item, dict):
        return [Problem(path, "type", "object", item)]
    given = cast(Item, item)
    kind = kind_of(given)
    if kind == "message":
        role = given.get("role")
        if role not in ROLES:
            known = "'assistant', 'system', 'developer', and 'user'"
            return [Problem((*path, "role"), "literal" if "role" in given else "missing", known, role)]
        return check(ASSISTANT if role == "assistant" else OTHERS, given, path=path)
    if kind not in ITEMS:
        names = ", ".join(f"'{name}'" for name in sorted(ITEMS))
        return [Problem((*path, "type"), "tag", names, given.get("type"))]
    return check(ITEMS[kind], given, path=path)


def _refused(problem: Problem) -> Refusal:
    if problem.kind == "extra":
        path = spelled(problem.keys)
        return bad(f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")
    if problem.kind == "literal" and not isinstance(problem.value, str):
        return worded(replace(problem, kind="type", expected=f"one of {problem.expected}"))
    return worded(problem)
