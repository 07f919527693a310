"""Requests of other dialects in Gemini's terms: every change a loss, every impossibility named."""

from __future__ import annotations

from typing import Any, cast

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.leftovers import leave_behind
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.dialects.gemini.conversation import Conversation
from flowrouter.dialects.gemini.foreign_words import words_body
from flowrouter.dialects.gemini.generation import foreign_config, foreign_labels
from flowrouter.dialects.gemini.screen import Screen
from flowrouter.dialects.gemini.tool_names import fitted_names
from flowrouter.dialects.gemini.tools import Toolbox
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps


def render_foreign(request: Request, capabilities: Capabilities) -> Rendered:
    """Return the body; raises `CallerError` for what must not be dropped."""
    if (plain := words_body(request, capabilities)) is not None:
        return Rendered(body=dumps(plain))
    losses = Losses(request, target="gemini", capabilities=capabilities)
    kinds = _answer_kinds(request)
    leave_behind(request, losses, taken=("modalities",) if kinds else ())
    if not request.messages:
        path = losses.name("messages")
        raise CallerError(f"{path}: at least one message is required", param=path)
    names = fitted_names(request, limit=min(capabilities.tool_name_max, 64))
    screen = Screen(capabilities, names, losses)
    conversation = Conversation(capabilities, names, losses)
    conversation.build(screen.parts(request.system, role="system"), screen.screen(request.messages))
    conversation.end_with_user()
    toolbox = Toolbox(request, capabilities, names=names, losses=losses)
    toolbox.build()
    toolbox.answer(request.output)
    body = _body(conversation, toolbox)
    config = {**foreign_config(request, capabilities, losses), **toolbox.format}
    if kinds:
        config["responseModalities"] = kinds
    if config:
        body["generationConfig"] = config
    body |= foreign_labels(request, capabilities, losses)
    return Rendered(body=dumps(body), losses=losses.all(), edits=toolbox.edits)


def _body(conversation: Conversation, toolbox: Toolbox) -> dict[str, Any]:
    body: dict[str, Any] = {}
    system = conversation.system
    if toolbox.instruction is not None:
        system = [*system, {"text": toolbox.instruction}]
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = conversation.contents
    if toolbox.entries:
        body["tools"] = toolbox.entries
    if toolbox.config is not None:
        body["toolConfig"] = {"functionCallingConfig": toolbox.config}
    return body


def _answer_kinds(request: Request) -> list[str]:
    """Return the kinds of answer to ask for where the client wants pictures; text needs no asking."""
    asked = request.extra.get("modalities")
    kinds = [str(kind).upper() for kind in cast("list[object]", asked)] if isinstance(asked, list) else []
    return kinds if "IMAGE" in kinds and set(kinds) <= {"TEXT", "IMAGE"} else []


__all__ = ["render_foreign"]
