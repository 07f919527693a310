"""A canonical request to a Chat body: member for member for Chat's own, translated for others."""

from __future__ import annotations

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request, Sampling
from flowrouter.canonical.tools import FunctionTool
from flowrouter.dialects.openai_chat.foreign_requests import translate
from flowrouter.dialects.openai_chat.members import SAMPLING, own_stream_options, write_output
from flowrouter.dialects.openai_chat.reasoning_control import put_reasoning_control
from flowrouter.dialects.openai_chat.tools import write_choice, write_legacy_choice, write_tool
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.dialects.openai_chat.web_search import FIELD, is_web_search
from flowrouter.dialects.openai_chat.write_messages import write_messages
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json, merge


def render_request(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body for `model`; raises `CallerError` where dropping a field would change its meaning.

    A Chat client's request returns as it came, but for the fields the gateway owns: `model`, and
    `stream_options`, since usage is always wanted of a stream whose host can report it.
    """
    if request.origin != "openai_chat":
        return translate(request, model, capabilities)
    body = _body(request, model)
    losses = own_stream_options(body, capabilities) if request.stream else ()
    if request.reasoning is not None and not request.reasoning.raw:  # ours, not the client's
        context = Translation(request, capabilities)
        put_reasoning_control(body, request.reasoning, context)
        losses = (*losses, *context.losses.all())
    return Rendered(body=dumps(body), losses=losses)


def _body(request: Request, model: str) -> Json:
    shapes = request.shapes
    messages = write_messages(request.messages, legacy=shapes.get("legacy_ids", ()))
    body: Json = {"model": model, "messages": messages}
    _put_tools(body, request)
    _put_sampling(body, request.sampling)
    if request.max_tokens is not None:
        body[shapes.get("max_tokens", "max_completion_tokens")] = request.max_tokens
    if request.stop or shapes.get("stop") == "list":
        body["stop"] = request.stop[0] if _is_single(request) else list(request.stop)
    if request.output is not None:
        body["response_format"] = write_output(request.output)
    if request.reasoning is not None:
        body |= request.reasoning.raw
    _put_rest(body, request)
    return merge(body, request.extra)


def _is_single(request: Request) -> bool:
    return request.shapes.get("stop") == "string" and len(request.stop) == 1


def _put_tools(body: Json, request: Request) -> None:
    shapes = request.shapes
    modern = [tool for tool in request.tools if not _is_legacy(tool)]
    for search in filter(is_web_search, modern):
        body[FIELD] = write_tool(search)
    tools = [write_tool(tool) for tool in modern if not is_web_search(tool)]
    functions = [write_tool(tool) for tool in request.tools if _is_legacy(tool)]
    for name, items in (("tools", tools), ("functions", functions)):
        if items or shapes.get(name) == "empty":
            body[name] = items
    choice = request.tool_choice
    if choice is not None and shapes.get("function_call"):
        body["function_call"] = write_legacy_choice(choice)
    elif choice is not None:
        body["tool_choice"] = shapes.get("tool_choice", write_choice(choice))
    if request.parallel_tools is not None:
        body["parallel_tool_calls"] = request.parallel_tools


def _is_legacy(tool: object) -> bool:
    return isinstance(tool, FunctionTool) and tool.legacy


def _put_sampling(body: Json, sampling: Sampling) -> None:
    for name in SAMPLING:
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value


def _put_rest(body: Json, request: Request) -> None:
    members = {
        "verbosity": request.verbosity,
        "user": request.user,
        "metadata": request.metadata,
        "service_tier": request.service_tier,
        "prompt_cache_key": request.cache_key,
    }
    body |= {name: value for name, value in members.items() if value is not None}
    if request.stream:
        body["stream"] = True
    elif request.shapes.get("stream") is False:
        body["stream"] = False
    if request.include_usage is not None:
        body["stream_options"] = {"include_usage": request.include_usage}


__all__ = ["render_request"]
