"""What Anthropic's Messages endpoint refuses beside the conversation: parameters, tools, cache marks, formats."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from tests.upstreams.anthropic_messages.shapes import bad, check_shape
from tests.upstreams.anthropic_messages.turns import TOOL_NAME, blocks_of, check_threads, check_turns
from tests.upstreams.dialect import Exchange

MAX_CACHE_MARKS = 4
MIN_BUDGET = 1024


def check_request(exchange: Exchange) -> None:
    """Raise Refusal at the first thing that is wrong with a Messages request."""
    check_shape(exchange)
    for rule in (*SHARED_RULES, *CREATE_RULES):
        rule(exchange)


def check_count_request(exchange: Exchange) -> None:
    """The same for `/v1/messages/count_tokens`."""
    check_shape(exchange, counting=True)
    for rule in SHARED_RULES:
        rule(exchange)


# output and sampling


def _check_output_cap(exchange: Exchange) -> None:
    asked, limit = exchange.body["max_tokens"], exchange.model.anthropic.max_output
    if asked < 0:
        raise bad("max_tokens: Input should be greater than or equal to 0")
    if asked > limit:
        raise bad(
            f"max_tokens: {asked} > {limit}, which is the maximum allowed number of output tokens for "
            f"{exchange.model.written}"
        )
    for index, stop in enumerate(exchange.body.get("stop_sequences") or ()):
        if not stop.strip():
            raise bad(f"stop_sequences.{index}: each stop sequence must contain non-whitespace")


def _check_sampling(exchange: Exchange) -> None:
    body = exchange.body
    for name in ("temperature", "top_p", "top_k"):
        value = body.get(name)
        if value is None:
            continue
        if not exchange.model.anthropic.sampling:
            raise bad(f"{name}: this model does not support `{name}`")
        if value < 0:
            raise bad(f"{name}: Input should be greater than or equal to 0")
        if value > 1 and name != "top_k":
            raise bad(f"{name}: Input should be less than or equal to 1")
    user_id = (body.get("metadata") or {}).get("user_id")
    if user_id is not None and len(user_id) > 256:
        raise bad("metadata.user_id: String should have at most 256 characters")


# thinking


def _check_thinking(exchange: Exchange) -> None:
    body = exchange.body
    thinking = body.get("thinking") or {}
    kind, style = thinking.get("type"), exchange.model.anthropic.thinking
    if (body.get("output_config") or {}).get("effort") and not exchange.model.anthropic.takes_effort:
        raise bad("output_config.effort: This model does not support the effort parameter.")
    if kind in (None, "disabled"):
        return
    if kind == "enabled":
        if style in ("adaptive", "none"):
            raise bad(
                '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
                '"output_config.effort" to control thinking behavior.'
            )
        _check_budget(exchange, thinking["budget_tokens"])
    elif style in ("manual", "none"):
        raise bad(f"thinking.type: '{kind}' is not supported on this model")
    _check_beside_thinking(body, manual=kind == "enabled")


def _check_budget(exchange: Exchange, budget: int) -> None:
    if budget < MIN_BUDGET:
        raise bad("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    interleaved = "interleaved-thinking" in (exchange.received.header("anthropic-beta") or "")
    if "max_tokens" in exchange.body and budget >= exchange.body["max_tokens"] and not interleaved:
        raise bad("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_beside_thinking(body: dict[str, Any], *, manual: bool) -> None:
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise bad("Thinking may not be enabled when tool_choice forces tool use.")
    if body.get("temperature") not in (None, 1):
        raise bad("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_k") is not None:
        raise bad("`top_k` must be unset when thinking is enabled.")
    if manual and body.get("top_p") is not None and body["top_p"] < 0.95:
        raise bad("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")


# tools


def _check_tools(exchange: Exchange) -> None:
    body = exchange.body
    tools: list[dict[str, Any]] | None = body.get("tools")
    if tools is not None and not tools:
        raise bad("tools: List should have at least 1 item after validation, not 0")
    if tools is None:
        if body.get("tool_choice") is not None:
            raise bad("tool_choice: `tool_choice` may only be specified while providing `tools`")
        if any(block["type"] in ("tool_use", "tool_result") for block in _message_blocks(body)):
            raise bad("tools: Requests which include `tool_use` or `tool_result` blocks must define tools")
        return
    names: list[str] = []
    for index, tool in enumerate(tools):
        if "name" in tool:
            names.append(tool["name"])
        if tool.get("type") in (None, "custom"):
            _check_custom_tool(index, tool)
    if len(set(names)) < len(names):
        raise bad("tools: Tool names must be unique.")
    choice = body.get("tool_choice") or {}
    if choice.get("type") == "tool" and choice["name"] not in names:
        raise bad(f"tool_choice.name: Tool '{choice['name']}' not found in provided tools")


def _check_custom_tool(index: int, tool: dict[str, Any]) -> None:
    where = f"tools.{index}.custom"
    schema = tool["input_schema"]
    if not TOOL_NAME.match(tool["name"]):
        raise bad(f"{where}.name: String should match pattern '{TOOL_NAME.pattern}'")
    if "type" not in schema:
        raise bad(f"{where}.input_schema.type: Field required")
    if schema["type"] != "object":
        raise bad(f"{where}.input_schema.type: Input should be 'object'")
    if any(key in schema for key in ("oneOf", "allOf", "anyOf")):
        raise bad(
            f"{where}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
        )
    if tool.get("strict"):
        _check_closed_schema(schema, f"{where}.input_schema")


def _check_format(exchange: Exchange) -> None:
    chosen = (exchange.body.get("output_config") or {}).get("format") or exchange.body.get("output_format")
    if not chosen:
        return
    _check_closed_schema(chosen["schema"], "output_config.format.schema")
    if any((block.get("citations") or {}).get("enabled") for block in _message_blocks(exchange.body)):
        raise bad("output_config.format: citations are not supported together with structured output")
    if exchange.body["messages"][-1]["role"] == "assistant":
        raise bad("output_config.format: prefill is not supported together with structured output")


BOUNDS: dict[str, tuple[str, ...]] = {
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems"),
}


def _check_closed_schema(schema: Any, where: str) -> None:
    """Apply the limits of schemas that the vendor compiles into a grammar."""
    if not isinstance(schema, dict):
        return
    node = cast(dict[str, Any], schema)
    kind = node.get("type")
    if kind == "object" and node.get("additionalProperties") is not False:
        raise bad(f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    unsupported = [key for key in BOUNDS.get(str(kind), ()) if key in node]
    if unsupported:
        raise bad(f"{where}: For '{kind}' type, properties {', '.join(unsupported)} are not supported")
    for keyword in ("properties", "$defs", "definitions"):
        for name, inner in (node.get(keyword) or {}).items():
            _check_closed_schema(inner, f"{where}.{keyword}.{name}")
    _check_closed_schema(node.get("items"), f"{where}.items")
    for keyword in ("anyOf", "allOf", "oneOf"):
        for inner in node.get(keyword) or ():
            _check_closed_schema(inner, f"{where}.{keyword}")


# cache marks


def _check_cache_marks(exchange: Exchange) -> None:
    marks = list(_cache_marks(exchange.body))
    if len(marks) > MAX_CACHE_MARKS:
        raise bad(
            f"A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {len(marks)}."
        )
    lifetimes = [mark.get("ttl") or "5m" for mark in marks]
    if "5m" in lifetimes and "1h" in lifetimes[lifetimes.index("5m") :]:
        raise bad("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")


def _cache_marks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the marks in the vendor's order: tools, system, messages, then the automatic one."""
    system = body.get("system")
    nodes: list[Any] = [*(body.get("tools") or ()), *(system if isinstance(system, list) else ())]
    nodes += _message_blocks(body)
    for node in [*nodes, body]:
        if node.get("cache_control"):
            yield node["cache_control"]


def _message_blocks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all blocks of all messages, those inside tool results before the result itself."""
    for message in body["messages"]:
        for block in blocks_of(message["content"]):
            inner = block.get("content") if block["type"] == "tool_result" else None
            if isinstance(inner, list):
                yield from cast(list[dict[str, Any]], inner)
            yield block


def _check_system(exchange: Exchange) -> None:
    system = exchange.body.get("system")
    for block in system if isinstance(system, list) else ():
        if not block["text"]:
            raise bad("system: text content blocks must be non-empty")


Rule = Callable[[Exchange], None]
SHARED_RULES: tuple[Rule, ...] = (
    _check_system,
    check_turns,
    _check_tools,
    _check_thinking,
    _check_cache_marks,
)
CREATE_RULES: tuple[Rule, ...] = (_check_output_cap, _check_sampling, _check_format, check_threads)
