"""Any valid request of OpenAI Responses: every documented member, input item and tool."""

from __future__ import annotations

import json

from tests.fuzz.making import JPEG, PDF, PNG, WEBP, Json, Maker

_INCLUDES = (
    "reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources",
    "code_interpreter_call.outputs", "file_search_call.results", "message.input_image.image_url",
)  # fmt: skip


def responses_request(maker: Maker) -> Json:
    """Return a request's body."""
    m = maker
    body: Json = {"model": f"m-{m.word()}"}
    tools = m.some(lambda: _tool(m), 4) if m.chance(0.6) else []
    named = _named(tools)
    if m.chance(0.12):
        body["input"] = m.text()
    else:
        body["input"] = _input(m, named)
    if tools or m.chance(0.03):
        body["tools"] = tools
    if named and m.chance(0.4):
        body["tool_choice"] = _choice(m, named)
    m.put(
        body, 0.12,
        temperature=lambda: m.one(0, 1, m.fraction(0, 2)),
        top_p=lambda: m.one(0, m.fraction(0, 1)),
        max_output_tokens=m.number,
        instructions=m.text,
        stream=m.flag,
        store=m.flag,
        user=m.word,
        safety_identifier=m.word,
        metadata=lambda: {m.word(): m.word()},
        service_tier=lambda: m.one("auto", "default", "flex", "priority"),
        prompt_cache_key=m.word,
        reasoning=lambda: _reasoning(m),
        text=lambda: _text_config(m),
        include=lambda: m.random.sample(_INCLUDES, m.random.randint(0, 2)),
        parallel_tool_calls=m.flag,
    )  # fmt: skip
    if "message.output_text.logprobs" in body.get("include", ()) and m.flag():
        body["top_logprobs"] = m.random.randint(0, 20)
    if m.chance(0.3):
        m.put(
            body, 0.12,
            truncation=lambda: m.one("auto", "disabled"),
            prompt_cache_retention=lambda: m.one("in_memory", "24h"),
            prompt_cache_options=lambda: {"mode": "explicit", "ttl": m.one("30m", "12h")},
            max_tool_calls=m.number,
            background=lambda: False,
            background_options=lambda: {"timeout": m.number()},
            stream_options=lambda: {"include_obfuscation": m.flag()},
            moderation=lambda: {"model": m.word()},
            context_management=lambda: [{"type": "compaction", "compact_threshold": m.number()}],
            access_programs=lambda: [m.word()],
            image=lambda: {"model": m.word()},
            client_metadata=lambda: {m.word(): m.word()},
        )  # fmt: skip
    if m.chance(0.02):
        body |= m.one(
            {"previous_response_id": f"resp_{m.word()}"}, {"conversation": m.word()}, {"prompt": {"id": m.word()}},
            {"background": True},
        )  # fmt: skip
    for name in ("temperature", "reasoning", "tools", "user", "instructions", "previous_response_id"):
        if name not in body and m.chance(0.02):
            body[name] = None
    return m.unknown(body, 0.1)


def _reasoning(m: Maker) -> Json:
    reasoning: Json = {}
    m.put(
        reasoning, 0.8, effort=lambda: m.one("none", "minimal", "low", "medium", "high", "xhigh", "max", None)
    )
    m.put(reasoning, 0.4, summary=lambda: m.one("auto", "concise", "detailed", None))
    m.put(
        reasoning, 0.06,
        context=lambda: m.one("auto", "current_turn", "all_turns"),
        mode=lambda: m.one("standard", "pro"),
        generate_summary=lambda: "auto",
    )  # fmt: skip
    return m.unknown(reasoning)


def _text_config(m: Maker) -> Json:
    config: Json = {}
    held: Json = {"type": "json_schema", "name": m.word(), "schema": m.schema()}
    m.put(held, 0.5, strict=m.flag, description=m.text)
    m.put(
        config, 0.6,
        format=lambda: m.one({"type": "text"}, {"type": "json_object"}, m.unknown(held)),
        verbosity=lambda: m.one("low", "medium", "high"),
    )  # fmt: skip
    return m.unknown(config)


def _tool(m: Maker) -> Json:
    return m.pick(
        [
            (8, lambda: _function(m)),
            (1.5, lambda: _custom(m)),
            (
                1,
                lambda: {
                    "type": "namespace",
                    "name": f"ns_{m.word()}",
                    "description": m.text(),
                    "tools": m.some(lambda: _function(m), 2, 1),
                },
            ),
            (0.7, lambda: _hosted(m)),
        ]
    )


def _function(m: Maker) -> Json:
    tool: Json = {"type": "function", "name": m.name(), "parameters": m.schema()}
    m.put(tool, 0.85, description=m.text)
    m.put(tool, 0.6, strict=m.flag)
    m.put(tool, 0.02, defer_loading=m.flag, allowed_callers=lambda: ["direct"], output_schema=m.schema)
    return m.unknown(tool)


def _custom(m: Maker) -> Json:
    tool: Json = {"type": "custom", "name": m.name(), "description": m.text()}
    m.put(
        tool, 0.6,
        format=lambda: m.one({"type": "text"}, {"type": "grammar", "syntax": m.one("lark", "regex"), "definition": m.text()}),
    )  # fmt: skip
    return m.unknown(tool)


def _hosted(m: Maker) -> Json:
    return m.one(
        {"type": "web_search"},
        {"type": "web_search", "search_context_size": "high", "filters": {"allowed_domains": [f"{m.word()}.example"]}},
        {"type": "web_search_preview", "user_location": {"type": "approximate", "city": m.word()}},
        {"type": "file_search", "vector_store_ids": [m.word()], "max_num_results": m.number()},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [m.word()]}},
        {"type": "image_generation", "size": "1024x1024", "model": m.word()},
        {"type": "mcp", "server_label": m.word(), "server_url": m.url("mcp"), "require_approval": "never"},
        {"type": "local_shell"}, {"type": "shell", "environment": {"type": "local"}}, {"type": "apply_patch"},
        {"type": "computer_use_preview", "display_width": m.number(), "display_height": m.number(), "environment": "linux"},
        {"type": "tool_search", "execution": "client", "description": m.text(), "parameters": m.schema()},
    )  # fmt: skip


def _named(tools: list[Json]) -> list[tuple[str, str, str | None]]:
    """Return (kind, name, namespace) of the tools a model can call by name."""
    named: list[tuple[str, str, str | None]] = []
    for tool in tools:
        if tool["type"] == "namespace":
            named += [(inner["type"], inner["name"], tool["name"]) for inner in tool["tools"]]
        elif tool["type"] in {"function", "custom"}:
            named.append((tool["type"], tool["name"], None))
    return named


def _choice(m: Maker, named: list[tuple[str, str, str | None]]) -> Json | str:
    if m.chance(0.5):
        return m.one("auto", "none", "required")
    kind, name, space = m.one(*named)
    picked = {"type": kind, "name": name}
    if space is not None:
        picked["namespace"] = space
    if m.chance(0.5):
        return picked
    return {"type": "allowed_tools", "mode": m.one("auto", "required"), "tools": [picked]}


def _input(m: Maker, named: list[tuple[str, str, str | None]]) -> list[Json]:
    items: list[Json] = [_system(m) for _ in range(m.one(0, 0, 1, 2))]
    for _ in range(m.random.randint(0, 4)):
        items += m.pick(
            [
                (4, lambda: [_user(m), *_assistant(m)]),
                (0.5, lambda: [_user(m)]),
                (0.4, lambda: [_system(m)]),
                (3 if named else 0.3, lambda: [_user(m), *_tool_round(m, named)]),
                (0.25, lambda: [_user(m), *_hosted_items(m)]),
            ]
        )
    if m.chance(0.8) or not any(item.get("role") in {"user", "assistant"} for item in items):
        items.append(_user(m))
    if m.chance(0.01):
        items.insert(0, {"type": "item_reference", "id": f"msg_{m.word()}"})
    if m.chance(0.01):
        items.insert(0, {"type": "compaction", "id": f"cmp_{m.word()}", "encrypted_content": m.word()})
    return items


def _system(m: Maker) -> Json:
    return _message(m, m.one("developer", "system"), [_text(m)])


def _user(m: Maker) -> Json:
    return _message(m, "user", [_text(m), *m.some(lambda: _part(m), 2)])


def _message(m: Maker, role: str, parts: list[Json]) -> Json:
    message: Json = {"role": role, "content": m.text() if m.chance(0.35) else parts}
    m.put(message, 0.6, type=lambda: "message")
    m.put(message, 0.05, status=lambda: "completed", id=lambda: f"msg_{m.word()}")
    return m.unknown(message)


def _text(m: Maker) -> Json:
    part: Json = {"type": "input_text", "text": m.text()}
    if m.chance(0.04):
        part["prompt_cache_breakpoint"] = m.one({"mode": "explicit"}, {"mode": "explicit", "ttl": "12h"})
    return m.unknown(part)


def _part(m: Maker) -> Json:
    return m.pick([(4, lambda: _text(m)), (3, lambda: _image(m)), (1, lambda: _file(m))])


def _image(m: Maker) -> Json:
    kind, start = m.one(("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP))
    part: Json = {"type": "input_image", "image_url": f"data:{kind};base64,{m.data(start)}"}
    if m.chance(0.3):
        part["image_url"] = m.url()
    elif m.chance(0.03):
        part = {"type": "input_image", "file_id": f"file-{m.word()}"}
    m.put(part, 0.5, detail=lambda: m.one("auto", "low", "high"))
    return m.unknown(part)


def _file(m: Maker) -> Json:
    part: Json = {"type": "input_file", "file_data": f"data:application/pdf;base64,{m.data(PDF)}"}
    if m.chance(0.2):
        part = {"type": "input_file", "file_url": m.url("pdf")}
    elif m.chance(0.04):
        part = {"type": "input_file", "file_id": f"file-{m.word()}"}
    m.put(part, 0.6, filename=lambda: f"{m.word()}.pdf")
    m.put(part, 0.05, detail=lambda: m.one("low", "high"))
    return m.unknown(part)


def _assistant(m: Maker) -> list[Json]:
    text: Json = {"type": "output_text", "text": m.text()}
    m.put(text, 0.6, annotations=list)
    if m.chance(0.04):
        text["annotations"] = [
            {
                "type": "url_citation",
                "url": m.url("html"),
                "title": m.text(),
                "start_index": 0,
                "end_index": 3,
            }
        ]
    parts = [m.unknown(text)]
    if m.chance(0.05):
        parts.append({"type": "refusal", "refusal": m.text()})
    message: Json = {"type": "message", "role": "assistant", "content": m.text() if m.chance(0.25) else parts}
    m.put(message, 0.5, id=lambda: f"msg_{m.word()}", status=lambda: "completed")
    m.put(message, 0.1, phase=lambda: m.one("commentary", "final_answer"))
    return [*(_thought(m) if m.chance(0.2) else []), m.unknown(message)]


def _thought(m: Maker) -> list[Json]:
    item: Json = {
        "type": "reasoning",
        "summary": m.some(lambda: {"type": "summary_text", "text": m.text()}, 2),
    }
    m.put(item, 0.6, id=lambda: f"rs_{m.word()}", encrypted_content=lambda: m.one(m.word(), None))
    m.put(
        item, 0.1, content=lambda: [{"type": "reasoning_text", "text": m.text()}], status=lambda: "completed"
    )
    return [m.unknown(item)]


def _tool_round(m: Maker, named: list[tuple[str, str, str | None]]) -> list[Json]:
    """Calls and their outputs: in order or not, one of them perhaps missing, twice or of nobody."""
    calls = [_call(m, named) for _ in range(m.one(1, 1, 2, 3))]
    outputs = [_output(m, call) for call in calls]
    if m.chance(0.15):
        m.random.shuffle(outputs)
    if m.chance(0.04):
        outputs.pop()
    if m.chance(0.02):
        outputs.append(_output(m, {**calls[0], "call_id": m.call_id("call_")}))
    lead = _assistant(m) if m.chance(0.2) else _thought(m) if m.chance(0.4) else []
    return [*lead, *calls, *outputs, *(_assistant(m) if m.chance(0.4) else [])]


def _call(m: Maker, named: list[tuple[str, str, str | None]]) -> Json:
    kind, name, space = m.one(*named) if named and m.chance(0.95) else ("function", m.name(), None)
    call: Json = {"call_id": m.call_id("call_"), "name": name}
    if space is not None:
        call["namespace"] = space
    m.put(call, 0.5, id=lambda: f"fc_{m.word()}", status=lambda: "completed")
    m.put(call, 0.03, **{"caller": lambda: {"type": "direct"}, "async": m.flag})
    if kind == "custom":
        return m.unknown({**call, "type": "custom_tool_call", "input": m.text()})
    given = json.dumps(m.arguments(), ensure_ascii=m.flag())
    if m.chance(0.03):
        given = m.one("", f'["{m.word()}"]', f"plain {m.word()}", f"{{'{m.word()}': 1,}}")
    return m.unknown({**call, "type": "function_call", "arguments": given})


def _output(m: Maker, call: Json) -> Json:
    told = m.pick(
        [
            (6, m.text),
            (2, lambda: json.dumps({m.word(): m.word()})),
            (1, lambda: [_text(m)]),
            (0.5, lambda: [_text(m), _image(m)]),
            (0.2, lambda: [_file(m)]),
            (0.3, lambda: m.one("", [])),
        ]
    )
    kind = "custom_tool_call_output" if call["type"] == "custom_tool_call" else "function_call_output"
    item: Json = {"type": kind, "call_id": call["call_id"], "output": told}
    m.put(item, 0.1, id=lambda: f"fco_{m.word()}", status=lambda: "completed")
    return m.unknown(item)


def _hosted_items(m: Maker) -> list[Json]:
    call = f"call_{m.word()}"
    return m.one(
        [{"type": "web_search_call", "id": f"ws_{m.word()}", "status": "completed", "action": {"type": "search", "query": m.text()}}],
        [{"type": "file_search_call", "id": m.word(), "status": "completed", "queries": [m.text()], "results": None}],
        [{"type": "code_interpreter_call", "id": m.word(), "status": "completed", "container_id": m.word(), "code": m.text(), "outputs": [{"type": "logs", "logs": m.text()}]}],
        [
            {"type": "local_shell_call", "id": m.word(), "call_id": call, "status": "completed", "action": {"type": "exec", "command": [m.word()], "env": {}}},
            {"type": "local_shell_call_output", "id": call, "output": m.text()},
        ],
        [
            {"type": "shell_call", "call_id": call, "action": {"commands": [m.text()], "timeout_ms": m.number()}},
            {"type": "shell_call_output", "call_id": call, "output": [{"stdout": m.text(), "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]},
        ],
        [
            {"type": "apply_patch_call", "call_id": call, "status": "completed", "operation": {"type": "update_file", "path": m.word(), "diff": m.text()}},
            {"type": "apply_patch_call_output", "call_id": call, "status": "completed", "output": m.text()},
        ],
        [{"type": "mcp_call", "id": m.word(), "server_label": m.word(), "name": m.word(), "arguments": "{}", "output": m.text()}],
        [{"type": "image_generation_call", "id": m.word(), "status": "completed", "result": m.data()}],
    )  # fmt: skip


__all__ = ["responses_request"]
