"""Any valid request of OpenAI Chat: every documented member, the de-facto ones, histories of all shapes."""

from __future__ import annotations

import json

from tests.fuzz.making import JPEG, PDF, PNG, WEBP, Json, Maker

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def chat_request(maker: Maker) -> Json:
    """Return a request's body."""
    m = maker
    body: Json = {"model": f"m-{m.word()}"}
    tools = m.some(lambda: _tool(m), 4) if m.chance(0.6) else []
    names = [tool[tool["type"]]["name"] for tool in tools if tool["type"] in {"function", "custom"}]
    body["messages"] = _messages(m, names, [tool["type"] for tool in tools])
    if tools or m.chance(0.03):
        body["tools"] = tools
    if names and m.chance(0.5):
        body["tool_choice"] = _choice(m, tools)
    m.put(
        body, 0.12,
        temperature=lambda: m.one(0, 1, m.fraction(0, 2)),
        top_p=lambda: m.one(0, m.fraction(0, 1)),
        presence_penalty=lambda: m.one(0, m.fraction(-2, 2)),
        frequency_penalty=lambda: m.one(0, m.fraction(-2, 2)),
        seed=lambda: m.one(0, m.number()),
        logit_bias=lambda: {str(m.number()): m.one(-100, 5)},
        stop=lambda: m.one(m.word(), f"\n{m.word()}", m.some(m.word, 4), ["\n", m.word()]),
        max_tokens=m.number,
        max_completion_tokens=m.number,
        user=m.word,
        safety_identifier=m.word,
        metadata=lambda: {m.word(): m.word()},
        service_tier=lambda: m.one("auto", "default", "flex", "scale", "priority"),
        stream=m.flag,
        store=m.flag,
        verbosity=lambda: m.one("low", "medium", "high"),
        reasoning_effort=lambda: m.one(*_EFFORTS),
        prompt_cache_key=m.word,
        response_format=lambda: _format(m),
    )  # fmt: skip
    if m.chance(0.3):
        _put_rarer(body, m)
    if m.chance(0.12):
        body["logprobs"] = m.flag()
        if body["logprobs"] and m.flag():
            body["top_logprobs"] = m.random.randint(0, 20)
    if tools and m.chance(0.2):
        body["parallel_tool_calls"] = m.flag()
    if not tools and m.chance(0.04):
        _legacy(body, m)
    _nulls(body, m)
    return m.unknown(body, 0.1)


def _put_rarer(body: Json, m: Maker) -> None:
    m.put(
        body, 0.12,
        n=lambda: m.one(1, 1, 1, 3),
        prompt_cache_retention=lambda: m.one("in_memory", "24h"),
        prompt_cache_options=lambda: {"mode": m.one("implicit", "explicit"), "ttl": m.one("30m", "12h")},
        prediction=lambda: {"type": "content", "content": m.one(m.text(), [{"type": "text", "text": m.text()}])},
        modalities=lambda: m.one(["text"], ["text", "audio"], ["text", "image"]),
        audio=lambda: {"voice": m.word(), "format": m.one("wav", "mp3")},
        moderation=lambda: {"model": m.word()},
        web_search_options=lambda: {
            "search_context_size": m.one("low", "high"),
            "user_location": {"type": "approximate", "approximate": {"city": m.word(), "country": "FR"}},
        },
        parallel_tool_calls=m.flag,
        top_k=m.number,
    )  # fmt: skip
    if m.chance(0.25):
        body |= _reasoning(m)
    if body.get("stream"):
        m.put(body, 0.5, stream_options=lambda: {"include_usage": m.flag(), "include_obfuscation": m.flag()})


def _reasoning(m: Maker) -> Json:
    """Return a reasoning control in the words of some host."""
    return m.one(
        {"reasoning": {"effort": m.one("low", "high"), "exclude": m.flag()}}, {"reasoning": {"max_tokens": m.number()}},
        {"reasoning": {"enabled": m.flag()}}, {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "enabled", "budget_tokens": m.number()}}, {"enable_thinking": m.flag()},
        {"enable_thinking": True, "thinking_budget": m.number()},
    )  # fmt: skip


def _nulls(body: Json, m: Maker) -> None:
    for name in (
        "temperature",
        "stop",
        "user",
        "tools",
        "seed",
        "response_format",
        "reasoning_effort",
        "max_tokens",
    ):
        if name not in body and m.chance(0.015):
            body[name] = None


def _legacy(body: Json, m: Maker) -> None:
    name = m.name()
    body["functions"] = [{"name": name, "description": m.text(), "parameters": m.schema()}]
    m.put(body, 0.5, function_call=lambda: m.one("auto", "none", {"name": name}))
    call = {"name": name, "arguments": json.dumps(m.arguments())}
    body["messages"] += [
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": name, "content": m.text()},
    ]


def _tool(m: Maker) -> Json:
    if m.chance(0.1):
        custom: Json = {"name": m.name(), "description": m.text()}
        m.put(
            custom, 0.6,
            format=lambda: m.one(
                {"type": "text"},
                {"type": "grammar", "grammar": {"syntax": m.one("lark", "regex"), "definition": m.text()}},
            ),
        )  # fmt: skip
        return m.unknown({"type": "custom", "custom": custom})
    if m.chance(0.015):
        return {"type": f"hosted_{m.word()}", "setting": m.word(), "deep": {"flag": True}}
    function: Json = {"name": m.name()}
    m.put(function, 0.85, description=m.text, parameters=m.schema)
    m.put(function, 0.2, strict=m.flag)
    tool = {"type": "function", "function": m.unknown(function)}
    if m.chance(0.03):
        tool["cache_control"] = {"type": "ephemeral"}
    return m.unknown(tool)


def _choice(m: Maker, tools: list[Json]) -> Json | str:
    named = [tool for tool in tools if tool["type"] in {"function", "custom"}]
    if m.chance(0.5):
        return m.one("auto", "none", "required")
    tool = m.one(*named)
    kind = tool["type"]
    picked = {"type": kind, kind: {"name": tool[kind]["name"]}}
    if m.chance(0.5):
        return picked
    return {"type": "allowed_tools", "allowed_tools": {"mode": m.one("auto", "required"), "tools": [picked]}}


def _format(m: Maker) -> Json:
    held: Json = {"name": m.word(), "schema": m.schema()}
    m.put(held, 0.5, strict=m.flag, description=m.text)
    return m.one(
        {"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "json_schema": m.unknown(held)}
    )


def _messages(m: Maker, names: list[str], kinds: list[str]) -> list[Json]:
    messages: list[Json] = [_system(m) for _ in range(m.one(0, 1, 1, 2))]
    for _ in range(m.random.randint(0, 4)):
        messages += m.pick(
            [
                (4, lambda: [_user(m), _assistant(m)]),
                (1, lambda: [_user(m)]),
                (0.4, lambda: [_system(m)]),
                (3 if names else 0.3, lambda: [_user(m), *_tool_round(m, names, kinds)]),
            ]
        )
    if m.chance(0.8) or not any(message["role"] in {"user", "assistant"} for message in messages):
        messages.append(_user(m))
    elif m.chance(0.7) and names:
        messages += [_user(m), *_tool_round(m, names, kinds)]
    if m.chance(0.03):
        messages.append(_system(m))
    return messages


def _system(m: Maker) -> Json:
    role = m.one("system", "system", "developer")
    message: Json = {"role": role, "content": m.one(m.text(), m.some(lambda: _text_item(m), 2, 1))}
    return m.unknown(_named(m, message))


def _named(m: Maker, message: Json) -> Json:
    m.put(message, 0.04, name=m.word)
    return message


def _user(m: Maker) -> Json:
    content = m.text() if m.chance(0.5) else [_text_item(m), *m.some(lambda: _item(m), 3)]
    return m.unknown(_named(m, {"role": "user", "content": content}))


def _text_item(m: Maker) -> Json:
    return m.unknown(_marked(m, {"type": "text", "text": m.text()}))


def _marked(m: Maker, item: Json) -> Json:
    if m.chance(0.05):
        item["prompt_cache_breakpoint"] = m.one({"mode": "explicit"}, {"mode": "explicit", "ttl": "30m"})
    elif m.chance(0.03):
        item["cache_control"] = m.one({"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"})
    return item


def _item(m: Maker) -> Json:
    return m.pick(
        [(4, lambda: _text_item(m)), (3, lambda: _image(m)), (1, lambda: _file(m)), (0.3, lambda: _sound(m))]
    )


def _image(m: Maker) -> Json:
    kind, start = m.one(("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP))
    address = m.url() if m.chance(0.3) else f"data:{kind};base64,{m.data(start)}"
    image: Json = {"url": address}
    m.put(image, 0.3, detail=lambda: m.one("auto", "low", "high"))
    return m.unknown(_marked(m, {"type": "image_url", "image_url": m.unknown(image)}))


def _file(m: Maker) -> Json:
    if m.chance(0.05):
        return {"type": "file", "file": {"file_id": f"file-{m.word()}"}}
    held: Json = {"file_data": f"data:application/pdf;base64,{m.data(PDF)}"}
    m.put(held, 0.7, filename=lambda: f"{m.word()}.pdf")
    return m.unknown({"type": "file", "file": held})


def _sound(m: Maker) -> Json:
    return {
        "type": "input_audio",
        "input_audio": {"data": m.data("UklGRiQAAABX"), "format": m.one("wav", "mp3")},
    }


def _assistant(m: Maker) -> Json:
    message: Json = {"role": "assistant"}
    roll = m.random.random()
    if roll < 0.75:
        message["content"] = m.text()
    elif roll < 0.9:
        message["content"] = m.some(lambda: m.unknown({"type": "text", "text": m.text()}), 2, 1)
        if m.chance(0.2):
            message["content"].append({"type": "refusal", "refusal": m.text()})
    else:
        message |= {"content": m.one("", m.text()), "refusal": m.text()}
    if m.chance(0.12):
        message[m.one("reasoning_content", "reasoning")] = m.text()
    if m.chance(0.02):
        message["reasoning_details"] = [{"type": "reasoning.text", "text": m.text(), "signature": m.word()}]
    m.put(message, 0.02, audio=lambda: {"id": f"audio_{m.word()}"}, annotations=list)
    return m.unknown(_named(m, message))


def _tool_round(m: Maker, names: list[str], kinds: list[str]) -> list[Json]:
    """One turn with calls and its results: in order or not, one of them perhaps missing or twice."""
    calls = [_call(m, names, kinds) for _ in range(m.one(1, 1, 2, 3))]
    message: Json = {"role": "assistant", "content": m.one(None, "", m.text()), "tool_calls": calls}
    if m.chance(0.15):
        message["reasoning_content"] = m.text()
    if m.chance(0.1):
        del message["content"]
    results = [_result(m, call["id"]) for call in calls]
    if m.chance(0.15):
        m.random.shuffle(results)
    if m.chance(0.04):
        results.pop()
    if m.chance(0.03):
        results.append(_result(m, calls[0]["id"]))
    if m.chance(0.02):
        results.append(_result(m, m.call_id("call_")))
    return [m.unknown(message), *results, *([_assistant(m)] if m.chance(0.4) else [])]


def _call(m: Maker, names: list[str], kinds: list[str]) -> Json:
    name = m.one(*names) if names and m.chance(0.95) else m.name()
    call: Json = {"id": m.call_id("call_")}
    if name in names and kinds[names.index(name)] == "custom" if len(names) == len(kinds) else False:
        return {**call, "type": "custom", "custom": {"name": name, "input": m.text()}}
    given = json.dumps(m.arguments(), ensure_ascii=m.flag())
    if m.chance(0.04):
        given = m.one(
            "", "{}", f'["{m.word()}"]', f"{{'{m.word()}': 1,}}", f"plain {m.word()}", f'{{"a": "{m.word()}'
        )
    call |= {"type": "function", "function": m.unknown({"name": name, "arguments": given})}
    if m.chance(0.03):
        call["extra_content"] = {"google": {"thought_signature": m.word()}}
    return m.unknown(call)


def _result(m: Maker, call_id: str) -> Json:
    content = m.pick(
        [
            (6, m.text),
            (2, lambda: json.dumps({m.word(): m.word(), "ok": True})),
            (1, lambda: m.some(lambda: m.unknown({"type": "text", "text": m.text()}), 2, 1)),
            (0.3, lambda: ""),
            (0.3, lambda: [_text_item(m), _image(m)]),
        ]
    )
    return m.unknown({"role": "tool", "tool_call_id": call_id, "content": content})


__all__ = ["chat_request"]
