"""Any valid request of Anthropic's Messages: every documented member, block, tool and history."""

from __future__ import annotations

from tests.fuzz.making import JPEG, PDF, PNG, WEBP, Json, Maker

_SERVER_TOOLS = (
    ("web_search_20250305", "web_search"), ("web_search_20260209", "web_search"), ("web_fetch_20250910", "web_fetch"),
    ("bash_20250124", "bash"), ("text_editor_20250728", "str_replace_based_edit_tool"),
    ("code_execution_20250825", "code_execution"), ("memory_20250818", "memory"),
    ("tool_search_tool_regex_20251119", "tool_search_tool_regex"),
)  # fmt: skip


def anthropic_request(maker: Maker) -> Json:
    """Return a request's body."""
    m = maker
    body: Json = {"model": f"m-{m.word()}", "max_tokens": m.number() + 30_000}
    tools = m.some(lambda: _tool(m), 4) if m.chance(0.6) else []
    names = [tool["name"] for tool in tools if "input_schema" in tool]
    if m.chance(0.6):
        body["system"] = m.text() if m.chance(0.4) else m.some(lambda: _text(m), 3, 1)
        if m.chance(0.04) and isinstance(body["system"], list):
            line = f"x-anthropic-billing-header: {m.word()}"
            body["system"].insert(0, {"type": "text", "text": line})
    thinking = m.chance(0.3)
    body["messages"] = _messages(m, names, thinking)
    if tools or m.chance(0.03):
        body["tools"] = tools
    if tools and m.chance(0.4):
        body["tool_choice"] = _choice(m, names)
    if thinking or m.chance(0.1):
        body["thinking"] = _thinking(m)
    m.put(
        body, 0.12,
        temperature=lambda: m.one(0, 1, m.fraction(0, 1)),
        top_p=lambda: m.one(0, m.fraction(0, 1)),
        top_k=m.number,
        stop_sequences=lambda: m.some(m.word, 4),
        stream=m.flag,
        metadata=lambda: m.unknown({"user_id": m.one(m.word(), None)}),
        service_tier=lambda: m.one("auto", "standard_only"),
        output_config=lambda: _output(m),
    )  # fmt: skip
    if m.chance(0.25):
        m.put(
            body, 0.1,
            cache_control=lambda: _mark(m),
            container=lambda: m.one(m.word(), {"id": m.word(), "skills": [{"type": "anthropic", "skill_id": m.word()}]}),
            context_management=lambda: {"edits": [{"type": "clear_tool_uses_20250919", "keep": {"value": m.number()}}]},
            mcp_servers=lambda: [{"type": "url", "url": m.url("mcp"), "name": m.word()}],
            inference_geo=m.word,
            speed=lambda: m.one("standard", "fast"),
            diagnostics=lambda: {"previous_message_id": m.word()},
            user_profile_id=m.word,
            workspace_id=m.word,
            output_format=lambda: {"type": "json_schema", "schema": m.schema()},
            betas=lambda: [m.word()],
            billing_policy=m.word,
            compaction=lambda: {"enabled": m.flag()},
            fallback_credit_token=m.word,
            fallbacks=lambda: [{"model": m.word()}],
        )  # fmt: skip
        if "output_format" in body:
            body.get("output_config", {}).pop("format", None)
    if m.chance(0.003):
        body["thread"] = {"id": m.word()}
    return m.unknown(body, 0.1)


def _mark(m: Maker) -> Json:
    return m.one({"type": "ephemeral"}, {"type": "ephemeral", "ttl": m.one("5m", "1h")})


def _marked(m: Maker, block: Json) -> Json:
    if m.chance(0.06):
        block["cache_control"] = _mark(m)
    return m.unknown(block)


def _thinking(m: Maker) -> Json:
    thinking = m.one(
        {"type": "enabled", "budget_tokens": m.number()}, {"type": "disabled"}, {"type": "adaptive"},
        {"type": "between_tools"},
    )  # fmt: skip
    if thinking["type"] in {"enabled", "adaptive"}:
        m.put(thinking, 0.3, display=lambda: m.one("summarized", "omitted"))
    return thinking


def _output(m: Maker) -> Json:
    config: Json = {}
    m.put(
        config, 0.6,
        effort=lambda: m.one("low", "medium", "high", "xhigh", "max"),
        format=lambda: {"type": "json_schema", "schema": m.schema()},
    )  # fmt: skip
    return m.unknown(config)


def _tool(m: Maker) -> Json:
    if m.chance(0.06):
        kind, name = m.one(*_SERVER_TOOLS)
        tool: Json = {"type": kind, "name": name}
        if kind.startswith("web"):
            m.put(tool, 0.5, max_uses=m.number, allowed_domains=lambda: [f"{m.word()}.example"])
        return tool
    tool = {"name": m.name(), "input_schema": m.schema()}
    m.put(tool, 0.85, description=m.text)
    m.put(
        tool, 0.04,
        strict=m.flag,
        type=lambda: "custom",
        defer_loading=m.flag,
        eager_input_streaming=m.flag,
        input_examples=lambda: [m.arguments()],
        allowed_callers=lambda: ["direct"],
    )  # fmt: skip
    return _marked(m, tool)


def _choice(m: Maker, names: list[str]) -> Json:
    choice: Json = {"type": m.one("auto", "any", "none")}
    if names and m.chance(0.4):
        choice = {"type": "tool", "name": m.one(*names)}
    if choice["type"] != "none":
        m.put(choice, 0.3, disable_parallel_tool_use=m.flag)
    return m.unknown(choice)


def _messages(m: Maker, names: list[str], thinking: bool) -> list[Json]:
    messages: list[Json] = []
    for _ in range(m.random.randint(0, 4)):
        messages += m.pick(
            [
                (4, lambda: [_user(m), _assistant(m, thinking)]),
                (0.5, lambda: [_user(m)]),
                (0.4, lambda: [_user(m), {"role": "system", "content": m.one(m.text(), [_text(m)])}]),
                (3 if names else 0.3, lambda: [_user(m), *_tool_round(m, names, thinking)]),
            ]
        )
    if not messages or m.chance(0.75):
        messages.append(_user(m))
    return messages


def _user(m: Maker) -> Json:
    content = m.text() if m.chance(0.4) else [_text(m), *m.some(lambda: _block(m), 3)]
    return m.unknown({"role": "user", "content": content})


def _text(m: Maker) -> Json:
    return _marked(m, {"type": "text", "text": m.text()})


def _block(m: Maker) -> Json:
    return m.pick(
        [
            (4, lambda: _text(m)),
            (3, lambda: _image(m)),
            (2, lambda: _document(m)),
            (0.5, lambda: _search_result(m)),
            (0.2, lambda: {"type": "container_upload", "file_id": m.word()}),
        ]
    )


def _image(m: Maker) -> Json:
    kind, start = m.one(("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP))
    source: Json = {"type": "base64", "media_type": kind, "data": m.data(start)}
    if m.chance(0.3):
        source = {"type": "url", "url": m.url()}
    elif m.chance(0.04):
        source = {"type": "file", "file_id": f"file_{m.word()}"}
    return _marked(m, {"type": "image", "source": m.unknown(source)})


def _document(m: Maker) -> Json:
    source = m.one(
        {"type": "base64", "media_type": "application/pdf", "data": m.data(PDF)},
        {"type": "text", "media_type": "text/plain", "data": m.text()},
        {"type": "url", "url": m.url("pdf")},
        {"type": "content", "content": m.one(m.text(), [{"type": "text", "text": m.text()}, _image(m)])},
    )
    if m.chance(0.03):
        source = {"type": "file", "file_id": f"file_{m.word()}"}
    block: Json = {"type": "document", "source": source}
    m.put(block, 0.3, title=m.text, context=m.text, citations=lambda: {"enabled": m.flag()})
    return _marked(m, block)


def _search_result(m: Maker) -> Json:
    block = {
        "type": "search_result",
        "source": m.url("html"),
        "title": m.text(),
        "content": [{"type": "text", "text": m.text()}],
    }
    m.put(block, 0.3, citations=lambda: {"enabled": m.flag()})
    return _marked(m, block)


def _assistant(m: Maker, thinking: bool) -> Json:
    if m.chance(0.4) and not thinking:
        return m.unknown({"role": "assistant", "content": m.text()})
    blocks = _thoughts(m) if thinking else []
    text: Json = {"type": "text", "text": m.text()}
    if m.chance(0.05):
        text["citations"] = [
            {
                "type": "web_search_result_location",
                "url": m.url("html"),
                "title": m.text(),
                "cited_text": m.text(),
                "encrypted_index": m.word(),
            }
        ]
    blocks.append(_marked(m, text))
    if m.chance(0.04):
        use = f"srvtoolu_{m.word()}"
        blocks += [
            {"type": "server_tool_use", "id": use, "name": "web_search", "input": {"query": m.text()}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": use,
                "content": [
                    {
                        "type": "web_search_result",
                        "url": m.url("html"),
                        "title": m.text(),
                        "encrypted_content": m.word(),
                    }
                ],
            },
            {"type": "text", "text": m.text()},
        ]
    if m.chance(0.01):
        blocks.insert(0, {"type": "compaction", "content": m.text()})
    return m.unknown({"role": "assistant", "content": blocks})


def _thoughts(m: Maker) -> list[Json]:
    if m.chance(0.15):
        return [{"type": "redacted_thinking", "data": m.word()}]
    thought: Json = {"type": "thinking", "thinking": m.one("", m.text()), "signature": m.word()}
    return [m.unknown(thought)]


def _tool_round(m: Maker, names: list[str], thinking: bool) -> list[Json]:
    """One turn with calls and its results: in order or not, one of them perhaps missing."""
    uses = [_use(m, names) for _ in range(m.one(1, 1, 2, 3))]
    blocks: list[Json] = [*(_thoughts(m) if thinking else []), *([_text(m)] if m.flag() else []), *uses]
    if m.chance(0.05):
        blocks.append(_text(m))
    results = [_result(m, use["id"]) for use in uses]
    if m.chance(0.15):
        m.random.shuffle(results)
    if m.chance(0.04):
        results.pop()
    if m.chance(0.3):
        results.append(_text(m))
    answered = [m.unknown({"role": "user", "content": results})] if results else []
    if answered and m.chance(0.1):
        answered.append({"role": "system", "content": m.text()})
    return [
        m.unknown({"role": "assistant", "content": blocks}),
        *answered,
        *([_assistant(m, thinking)] if m.chance(0.4) else []),
    ]


def _use(m: Maker, names: list[str]) -> Json:
    name = m.one(*names) if names and m.chance(0.95) else m.name()
    use: Json = {"type": "tool_use", "id": m.call_id("toolu_"), "name": name, "input": m.arguments()}
    m.put(
        use,
        0.04,
        caller=lambda: m.one({"type": "direct"}, {"type": "code_execution_20250825", "tool_id": m.word()}),
    )
    return _marked(m, use)


def _result(m: Maker, call_id: str) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": call_id}
    m.put(
        block, 0.95,
        content=lambda: m.pick(
            [
                (5, m.text),
                (4, lambda: [{"type": "text", "text": m.text()}]),
                (1, lambda: [{"type": "text", "text": m.text()}, _image(m)]),
                (0.5, lambda: [_document(m)]),
                (0.3, lambda: [_search_result(m)]),
                (0.3, lambda: m.one("", [])),
                (0.1, lambda: [{"type": "tool_reference", "tool_name": m.word()}]),
            ]
        ),
    )  # fmt: skip
    m.put(block, 0.1, is_error=m.flag)
    return _marked(m, block)


__all__ = ["anthropic_request"]
