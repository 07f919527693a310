"""The vendor without its socket: a request in, the reply to it out, by script, fault or brain."""

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self, cast

from tests.upstreams.anthropic_messages import AnthropicMessages
from tests.upstreams.brain import answer as think_of_answer
from tests.upstreams.dialect import Dialect, Exchange, Refusal, Route
from tests.upstreams.faults import Draft, Fault, FaultCounter, Pace, parse_fault, spoil
from tests.upstreams.gemini import Gemini
from tests.upstreams.openai_chat import OpenAIChat
from tests.upstreams.openai_responses import OpenAIResponses
from tests.upstreams.prompts import Answer, Prompt
from tests.upstreams.received import Received
from tests.upstreams.reply import Reply
from tests.upstreams.scenarios import ModelName

# Gemini stands first: a key in its own header tells its list of models from the others' at the same address.
DIALECTS: dict[str, type[Dialect]] = {
    "gemini": Gemini,
    "openai_chat": OpenAIChat,
    "anthropic": AnthropicMessages,
    "openai_responses": OpenAIResponses,
}
MODELS: dict[str, tuple[str, ...]] = {
    "gemini": (
        "gemini-3-pro-preview",
        "gemini-3.5-flash",
        "gemini-2.5-pro",
        "gemini-2.5-flash",
        "gemini-embedding-001",
    ),
    "openai_chat": ("gpt-4.1", "gpt-5.2", "o4-mini", "acme/chat-large", "deepseek-reasoner"),
    "openai_responses": ("gpt-4.1", "gpt-5.2", "o4-mini", "acme/chat-large", "deepseek-reasoner"),
    "anthropic": ("claude-sonnet-4-5", "claude-opus-4-6", "claude-haiku-4-5-20251001", "claude-opus-5"),
}

ScriptItem = str | Answer | Reply | Callable[[Received], Any] | None
"""A scenario or fault name, an answer in any dialect, a raw reply, a function giving one of these; None: the brain."""


class Vendor:
    """One or several dialects with the accounts, models and scripts behind them; see `ScriptedUpstream`."""

    def __init__(
        self,
        dialect: str = "both",
        *,
        keys: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        strict_models: bool = False,
        pace: Pace | None = None,
    ) -> None:
        names = list(DIALECTS) if dialect in ("all", "both") else [dialect]
        self.dialects: list[Dialect] = [DIALECTS[name]() for name in names]
        self.keys = None if keys is None else set(keys)
        own = [model for name in names for model in MODELS[name]]
        self.models = list(dict.fromkeys(own)) if models is None else list(models)
        self._own_models = models is not None
        self.strict_models = strict_models
        self.pace = pace or Pace()
        self.errors: list[str] = []
        self.said: tuple[tuple[str, str], ...] = ()
        """Headers that answers and refusals of a generation bear besides the vendor's own."""
        self._faults = FaultCounter()
        self._script: deque[ScriptItem] = deque()
        self._scripts_by_model: dict[str, deque[ScriptItem]] = {}
        self._always: ScriptItem = None

    def script(self, items: Sequence[ScriptItem], *, model: str | None = None) -> Self:
        """Queue what the next valid requests (for `model`, else any) get, one item each."""
        queue = self._script if model is None else self._scripts_by_model.setdefault(model, deque())
        queue.extend(items)
        return self

    def always(self, item: ScriptItem) -> Self:
        """Say what requests get while nothing is queued."""
        self._always = item
        return self

    def forget(self) -> None:
        """Drop scripts, fault counts and errors."""
        self._faults = FaultCounter()
        self._script.clear()
        self._scripts_by_model.clear()
        self._always = None
        self.said = ()
        self.errors.clear()
        for dialect in self.dialects:
            dialect.forget()

    def reply_to(self, received: Received) -> Reply:
        """Return the reply to one request, and note in its record what it was."""
        dialect, route = self._route(received)
        received.dialect, received.route = dialect.name, route or ""
        request_id = f"req_{received.index:08d}"
        try:
            if route is None:
                raise Refusal(404, f"Invalid URL ({received.method} {received.path})", type="not_found_error")
            received.account = self._authenticated(dialect, received)
            dialect.check_headers(received)
            return self._answer(dialect, route, received, request_id)
        except Refusal as refusal:
            body = dialect.error_body(refusal, request_id, received=received)
            return Reply.json(
                body, status=refusal.status, headers=(*dialect.headers(request_id), *refusal.headers)
            )
        except Exception:
            self.errors.append(traceback.format_exc())
            refusal = Refusal(500, f"the scripted upstream itself failed: {traceback.format_exc(limit=-1)}")
            return Reply.json(dialect.envelope(refusal, request_id), status=500)

    def _route(self, received: Received) -> tuple[Dialect, Route | None]:
        for dialect in self.dialects:
            route = dialect.route(received)
            posted = route in ("generate", "embed", "compact", "count_tokens")
            if route is not None and (route == "resource" or (received.method == "POST") == posted):
                return dialect, route
        by_header = "anthropic" if received.header("anthropic-version") else "openai_chat"
        if received.path.startswith("/v1beta/") or received.header("x-goog-api-key"):
            by_header = "gemini"
        named = [dialect for dialect in self.dialects if dialect.name == by_header]
        return (named or self.dialects)[0], None

    def _authenticated(self, dialect: Dialect, received: Received) -> str:
        credential = dialect.credential(received)
        if credential is None or (self.keys is not None and credential not in self.keys):
            raise dialect.unauthorized(credential)
        return credential

    def _answer(self, dialect: Dialect, route: Route, received: Received, request_id: str) -> Reply:
        headers = dialect.headers(request_id)
        if route == "models":
            return Reply.json(dialect.models(received, self._listed(dialect)), headers=headers)
        if route == "model":
            name = dialect.model_named(received)
            if name not in self.models:
                raise dialect.model_missing(name)
            return Reply.json(dialect.one_model(name), headers=headers)
        if route == "resource":
            return dialect.resource(received, request_id).with_headers(*headers)
        exchange = self._exchange(dialect, received, request_id)
        if route == "count_tokens":
            self._validate(dialect.check_count, exchange)
            return Reply.json(dialect.count(exchange, dialect.read(exchange)), headers=headers)
        fault = self._faults.active(exchange.model)
        if route in ("embed", "compact"):
            make = dialect.embed if route == "embed" else dialect.compact
            return self._make(make, dialect, exchange, fault, self._next_item(received))
        self._validate(dialect.check, exchange)
        return self._generate(dialect, exchange, fault, self._next_item(received)).with_headers(*self.said)

    def _listed(self, dialect: Dialect) -> list[str]:
        own = set(MODELS[dialect.name])
        return self.models if self._own_models else [name for name in self.models if name in own]

    def _exchange(self, dialect: Dialect, received: Received, request_id: str) -> Exchange:
        if not isinstance(received.json, dict):
            raise Refusal(400, "We could not parse the JSON body of your request.")
        body = cast(dict[str, Any], received.json)
        received.model = dialect.model_named(received)
        if self.strict_models and received.model and received.model not in self.models:
            raise dialect.model_missing(received.model)
        return Exchange(received, ModelName(received.model), received.account, request_id, body)

    def _validate(self, check: Callable[[Exchange], None], exchange: Exchange) -> None:
        if exchange.model.has("unchecked"):
            return
        try:
            check(exchange)
        except Refusal as refusal:
            exchange.received.refusal = refusal.message
            raise

    def _next_item(self, received: Received) -> ScriptItem:
        own = self._scripts_by_model.get(received.model)
        item = own.popleft() if own else self._script.popleft() if self._script else self._always
        while callable(item):
            item = cast(ScriptItem, item(received))
        return item

    def _make(
        self,
        make: Callable[[Exchange], dict[str, Any]],
        dialect: Dialect,
        exchange: Exchange,
        fault: Fault | None,
        item: ScriptItem,
    ) -> Reply:
        if isinstance(item, Reply):
            return item
        fault = parse_fault(item) or fault if isinstance(item, str) else fault
        draft = Draft(
            dialect=dialect,
            model=exchange.model,
            streaming=False,
            frames=[],
            body=self._made(make, exchange),
            request_id=exchange.request_id,
            pace=self.pace,
        )
        return draft.reply() if fault is None else spoil(draft, fault)

    def _made(self, make: Callable[[Exchange], dict[str, Any]], exchange: Exchange) -> dict[str, Any]:
        try:
            return make(exchange)
        except Refusal as refusal:
            exchange.received.refusal = refusal.message
            raise

    def _generate(self, dialect: Dialect, exchange: Exchange, fault: Fault | None, item: ScriptItem) -> Reply:
        if isinstance(item, Reply):
            return item
        if isinstance(item, str):
            scripted = parse_fault(item)
            fault = scripted or fault
            exchange.model = replace(exchange.model, extra=() if scripted else (item,))
        prompt = dialect.read(exchange)
        fixed = item if isinstance(item, Answer) else None
        answers = _answers(prompt, dialect.choices(exchange), fixed)
        draft = Draft(
            dialect=dialect,
            model=exchange.model,
            streaming=exchange.received.streaming,
            frames=dialect.stream(exchange, prompt, answers),
            body=dialect.whole(exchange, prompt, answers),
            request_id=exchange.request_id,
            pace=self.pace,
            form=dialect.form(exchange.received),
        )
        return draft.reply() if fault is None else spoil(draft, fault)


def _answers(prompt: Prompt, count: int, fixed: Answer | None) -> list[Answer]:
    """Give one answer for each choice; later choices say which they are."""
    first = fixed or think_of_answer(prompt)
    others = [replace(first, text=first.text and f"{first.text} (choice {i})") for i in range(1, count)]
    return [first, *others]
