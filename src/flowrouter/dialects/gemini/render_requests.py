"""Canonical requests to bodies: faithful for requests of this dialect, repaired for all others.

What no stage has edited leaves as it came, object for object; a turn that was edited, or that carries
something of the gateway's own, is written anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Reasoning, ToolCall
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.dialects.gemini.generation import own_config
from flowrouter.dialects.gemini.node import snake
from flowrouter.dialects.gemini.parse_requests import SYSTEM, Kept, kept
from flowrouter.dialects.gemini.render_foreign import render_foreign
from flowrouter.dialects.gemini.render_parts import TurnWriter
from flowrouter.dialects.gemini.schema import clean_schema
from flowrouter.dialects.gemini.screen import is_native
from flowrouter.dialects.gemini.signing import sign_steps
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, dumps

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_GROUPS = ("contents", "systemInstruction", "tools", "toolConfig", "generationConfig")
_PLAIN = {"labels": "metadata", "serviceTier": "service_tier"}


def render_request(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body for a target, which the address names, not the body.

    Raises `CallerError` for what must not be dropped.
    """
    del model
    try:
        if request.origin == "gemini":
            return _Own(request, capabilities).render()
        return render_foreign(request, capabilities)
    except (RecursionError, JsonError):
        raise CallerError("the request is nested too deeply") from None


class _Own:
    """Writes one request of Gemini's own clients."""

    def __init__(self, request: Request, capabilities: Capabilities) -> None:
        self._request = request
        self._capabilities = capabilities
        self._losses = Losses(request, target="gemini", capabilities=capabilities)
        self._kept = kept(request) or Kept(body={}, request=Request(origin="gemini", model=""))

    def render(self) -> Rendered:
        """Return the body, its members in the order they came."""
        groups = {
            "contents": self._contents(),
            "systemInstruction": self._system(),
            "tools": self._tools(),
            "toolConfig": self._tool_config(),
            "generationConfig": self._generation(),
            **self._labels(),
        }
        body: dict[str, Any] = {}
        for name in self._kept.body:
            group = next((known for known in groups if name in (known, snake(known))), None)
            value = self._extra(name) if group is None else groups.pop(group)
            if value is not msgspec.UNSET:
                body[name] = value
        body |= {name: value for name, value in groups.items() if value is not msgspec.UNSET}
        for name, value in self._request.extra.items():
            if name not in _GROUPS and name not in body and snake(name) not in body:
                body[name] = value
        return Rendered(body=dumps(body), losses=self._losses.all())

    def _as_it_came(self, name: str) -> Any:
        found = self._kept.member(name)
        return msgspec.UNSET if found is None else found[1]

    def _raw_object(self, name: str) -> dict[str, Any]:
        value = self._as_it_came(name)
        return dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else {}

    def _extra(self, name: str) -> Any:
        """Return a member that only this dialect knows, unless a stage took it away."""
        extra = self._request.extra
        return next(
            (extra[known] for known in (name, *_spellings(name, extra)) if known in extra), msgspec.UNSET
        )

    def _contents(self) -> object:
        before = self._kept.request.messages
        raw = self._as_it_came("contents")
        came = {message.place: (message, wire) for message, wire in zip(before, _listed(raw), strict=False)}
        written: list[Any] = []
        edited = len(self._request.messages) != len(before)
        names = _call_names(self._request.messages)
        for message in self._request.messages:
            known = came.get(message.place)
            if known is not None and known[0] == message and message.place not in self._kept.ours:
                written.append(known[1])
                continue
            edited = True
            written += self._turn(message, names)
        if not edited:
            return raw
        if not written:
            raise CallerError("contents: nothing is left of the conversation", param="contents")
        sign_steps(written, self._capabilities, self._losses)
        return written

    def _turn(self, message: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return a turn written anew, none where nothing of it may leave."""
        parts = tuple(part for part in message.parts if self._may_leave(part))
        if message.parts and not parts:
            return []
        wire: dict[str, Any] = {"role": "model" if message.role == "assistant" else message.role}
        if message.role not in ("assistant", "user", "system"):
            wire["role"] = "user"
        wire["parts"] = TurnWriter(own=True, called=names).write(parts)
        return [{**wire, **message.extra}]

    def _may_leave(self, part: Part) -> bool:
        """Leave out reasoning that another vendor or family signed: it would end the whole request."""
        if not isinstance(part, Reasoning):
            return True
        native = is_native(part, self._capabilities, trusted=True)
        if native or (part.signature is None and part.sealed is None and part.text and not part.redacted):
            return True
        self._losses.drop(self._losses.path(part), "reasoning that this model did not sign")
        return False

    def _system(self) -> Any:
        request, before = self._request, self._kept.request
        same = request.system == before.system and request.system_shape == before.system_shape
        if same and SYSTEM not in self._kept.ours:
            return self._as_it_came(SYSTEM)
        parts = [part for part in request.system if self._may_leave(part)]
        return {"parts": TurnWriter(own=True).write(parts)} if parts else msgspec.UNSET

    def _tools(self) -> Any:
        tools = self._request.tools
        if tools == self._kept.request.tools:
            return self._as_it_came("tools")
        functions = [self._declaration(tool) for tool in tools if isinstance(tool, FunctionTool)]
        hosted = [tool.config for tool in tools if isinstance(tool, HostedTool)]
        _refuse_custom(tools)
        entries = [*([{"functionDeclarations": functions}] if functions else []), *hosted]
        return entries or msgspec.UNSET

    def _declaration(self, tool: FunctionTool) -> dict[str, Any]:
        wire: dict[str, Any] = {"name": tool.name}
        if tool.description is not None:
            wire["description"] = tool.description
        mode = self._capabilities.schema_mode
        if tool.schema is not None and mode == "raw":
            wire["parametersJsonSchema"] = tool.schema
        elif tool.schema is not None:
            wire["parameters"] = clean_schema(tool.schema, strict=mode == "strict").schema
        return {**wire, **tool.extra}

    def _tool_config(self) -> Any:
        request, before = self._request, self._kept.request
        rest = request.extra.get("toolConfig")
        if request.tool_choice == before.tool_choice and rest == before.extra.get("toolConfig"):
            return self._as_it_came("toolConfig")
        config = {} if rest is None else dict(rest)
        if request.tool_choice is not None:
            inner = config.get("functionCallingConfig")
            config["functionCallingConfig"] = {**_calling(request.tool_choice), **(inner or {})}
        return config or msgspec.UNSET

    def _generation(self) -> Any:
        raw, before, after = self._raw_object("generationConfig"), self._kept.request, self._request
        config = own_config(raw, before, after, capabilities=self._capabilities, losses=self._losses)
        if config == raw:
            return self._as_it_came("generationConfig")
        return config or msgspec.UNSET

    def _labels(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, field in _PLAIN.items():
            value = getattr(self._request, field)
            same = value == getattr(self._kept.request, field)
            values[name] = self._as_it_came(name) if same else msgspec.UNSET if value is None else value
        return values


def _listed(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _spellings(name: str, extra: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in `extra` that are `name` in camelCase."""
    return tuple(known for known in extra if snake(known) == name)


def _call_names(messages: Sequence[Message]) -> dict[str, str]:
    return {
        part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)
    }


def _calling(choice: ToolChoice) -> dict[str, Any]:
    if choice.mode == "allowed":
        mode = "ANY" if choice.required else "VALIDATED"
        return {"mode": mode, "allowedFunctionNames": list(choice.names)}
    config: dict[str, Any] = {"mode": _MODES[choice.mode]}
    return {**config, "allowedFunctionNames": [choice.name]} if choice.mode == "tool" else config


def _refuse_custom(tools: tuple[Tool, ...]) -> None:
    for tool in tools:
        if not isinstance(tool, FunctionTool | HostedTool):
            raise CallerError(f"tools: Gemini has no form for the custom tool {tool.name!r}", param="tools")


__all__ = ["render_request"]
