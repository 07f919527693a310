"""A canonical request to a Responses body: member for member for its own, translated for others."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.parts import Text
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import OutputFormat, Request
from flowrouter.dialects.openai_responses.foreign_requests import translate
from flowrouter.dialects.openai_responses.items import DIALECT
from flowrouter.dialects.openai_responses.tools import write_choice, write_tools
from flowrouter.dialects.openai_responses.write_input import write_input
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json, merge


def render_request(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body for `model`; raises `CallerError` where dropping a field would change its meaning.

    A Responses client's request returns as it came, but for `model` and reasoning state that another
    vendor issued.
    """
    if request.origin != DIALECT:
        return translate(request, model, capabilities)
    losses = Losses(request, target=DIALECT, capabilities=capabilities)
    body: Json = {"model": model}
    _put_conversation(body, request, capabilities, losses=losses)
    _put_tools(body, request)
    _put_sampling(body, request)
    _put_text(body, request)
    _put_rest(body, request)
    return Rendered(body=dumps(merge(body, request.extra)), losses=losses.all())


def _put_conversation(body: Json, request: Request, capabilities: Capabilities, *, losses: Losses) -> None:
    if request.system or request.system_shape != "absent":
        body["instructions"] = "\n\n".join(part.text for part in request.system if isinstance(part, Text))
    if request.messages:
        body["input"] = write_input(request, capabilities, losses)


def _put_tools(body: Json, request: Request) -> None:
    shapes = request.shapes
    tools = write_tools(request.tools, shapes.get("namespaces", ()))
    if tools or shapes.get("tools") == "empty":
        body["tools"] = tools
    if request.tool_choice is not None:
        body["tool_choice"] = shapes.get("tool_choice") or write_choice(request.tool_choice, {})
    if request.parallel_tools is not None:
        body["parallel_tool_calls"] = request.parallel_tools


def _put_sampling(body: Json, request: Request) -> None:
    sampling = request.sampling
    members: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_logprobs": sampling.top_logprobs,
        "max_output_tokens": request.max_tokens,
        "include": request.shapes.get("include"),
    }
    body |= {name: value for name, value in members.items() if value is not None}


def _put_text(body: Json, request: Request) -> None:
    options: Json = {}
    if request.output is not None:
        options["format"] = _write_format(request.output)
    if request.verbosity is not None:
        options["verbosity"] = request.verbosity
    if options:
        body["text"] = options


def _write_format(output: OutputFormat) -> Json:
    """Return the `text.format` of this dialect."""
    match output.kind:
        case "text":
            item: Json = {"type": "text"}
        case "json":
            item = {"type": "json_object"}
        case "schema":
            members = {
                "name": output.name,
                "description": output.description,
                "schema": output.schema,
                "strict": output.strict,
            }
            item = {"type": "json_schema"}
            item |= {name: value for name, value in members.items() if value is not None}
    return merge(item, output.extra)


def _put_rest(body: Json, request: Request) -> None:
    members = {
        "user": request.user,
        "metadata": request.metadata,
        "service_tier": request.service_tier,
        "prompt_cache_key": request.cache_key,
        "reasoning": _reasoning(request),
    }
    body |= {name: value for name, value in members.items() if value is not None}
    body |= request.shapes.get("harmless", {})
    if request.stream:
        body["stream"] = True
    elif request.shapes.get("stream") is False:
        body["stream"] = False


def _reasoning(request: Request) -> Json | None:
    control = request.reasoning
    if control is None:
        return None
    return control.raw or ({"effort": control.effort} if control.effort is not None else None)


__all__ = ["render_request"]
