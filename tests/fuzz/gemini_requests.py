"""Any valid request of Gemini's generateContent: every documented member and part, in either spelling."""

from __future__ import annotations

import re

from tests.fuzz.making import JPEG, PDF, PNG, WEBP, Json, Maker

OPAQUE = frozenset(
    {"args", "response", "properties", "labels", "parametersJsonSchema", "responseJsonSchema", "partMetadata"}
)
"""Members whose own members are the client's words, not Google's."""


def gemini_request(maker: Maker) -> Json:
    """Return a request's body; now and then some or all of its members are spelt with underscores."""
    m = maker
    body: Json = {}
    tools = m.some(lambda: _tool(m), 2) if m.chance(0.6) else []
    names = [declared["name"] for tool in tools for declared in tool.get("functionDeclarations", ())]
    body["contents"] = _contents(m, names)
    if m.chance(0.55):
        system: Json = {"parts": m.some(lambda: {"text": m.text()}, 2, 1)}
        m.put(system, 0.3, role=lambda: m.one("user", "system"))
        body["systemInstruction"] = system
    if tools or m.chance(0.03):
        body["tools"] = tools
    if names and m.chance(0.4):
        body["toolConfig"] = {"functionCallingConfig": _calling(m, names)}
        m.put(body["toolConfig"], 0.05, includeServerSideToolInvocations=m.flag)
        m.put(
            body["toolConfig"],
            0.08,
            retrievalConfig=lambda: {"languageCode": m.word(), "latLng": {"latitude": m.fraction(0, 9)}},
        )
    if m.chance(0.7):
        body["generationConfig"] = _config(m)
    if m.chance(0.2):
        m.put(
            body, 0.2,
            safetySettings=lambda: [{"category": f"HARM_CATEGORY_{m.word()}", "threshold": m.one("BLOCK_NONE", "OFF")}],
            labels=lambda: {m.word(): m.word()},
            serviceTier=lambda: m.one("standard", "flex", "priority"),
            cachedContent=lambda: f"cachedContents/{m.word()}",
            store=m.flag,
            modelArmorConfig=lambda: {"promptTemplateName": m.word()},
        )  # fmt: skip
        if not m.chance(0.1):
            body.pop("cachedContent", None)
    if not m.chance(0.3):
        return _spelt(m.unknown(body, 0.1), m, 0.0)
    return _spelt(m.unknown(body, 0.1), m, m.one(0.5, 1.0))


def _spelt(value: Json, m: Maker, snake: float) -> Json:
    return {
        (_snake(name) if snake and m.chance(snake) else name): _inside(name, inner, m, snake)
        for name, inner in value.items()
    }


def _inside(name: str, value: object, m: Maker, snake: float) -> object:
    if name in OPAQUE or name.startswith("x_"):
        return value
    if isinstance(value, dict):
        return _spelt(value, m, snake)
    if isinstance(value, list):
        return [_spelt(item, m, snake) if isinstance(item, dict) else item for item in value]
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _config(m: Maker) -> Json:
    config: Json = {}
    m.put(
        config, 0.15,
        temperature=lambda: m.one(0, 1, m.fraction(0, 2)),
        topP=lambda: m.one(0, m.fraction(0, 1)),
        topK=m.number,
        seed=lambda: m.one(0, m.number()),
        presencePenalty=lambda: m.fraction(-2, 2),
        frequencyPenalty=lambda: m.fraction(-2, 2),
        maxOutputTokens=m.number,
        stopSequences=lambda: m.some(m.word, 5),
        thinkingConfig=lambda: _thinking(m),
    )  # fmt: skip
    if m.chance(0.25):
        config["responseMimeType"] = m.one(
            "application/json", "application/json", "text/plain", "text/x.enum"
        )
        if config["responseMimeType"] == "application/json":
            m.put(config, 0.5, responseJsonSchema=m.schema)
            if "responseJsonSchema" not in config:
                m.put(config, 0.5, responseSchema=lambda: _classic(m))
        elif config["responseMimeType"] == "text/x.enum":
            config["responseSchema"] = {"type": "STRING", "enum": [m.word(), m.word()]}
    if m.chance(0.1):
        config |= {"responseLogprobs": True, "logprobs": m.random.randint(1, 20)}
    if m.chance(0.2):
        m.put(
            config, 0.1,
            candidateCount=lambda: m.one(1, 1, 1, 2),
            responseModalities=lambda: m.one(["TEXT"], ["TEXT", "IMAGE"]),
            mediaResolution=lambda: m.one("MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_HIGH"),
            speechConfig=lambda: {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": m.word()}}},
            audioTimestamp=m.flag,
            imageConfig=lambda: {"aspectRatio": m.word()},
            enableEnhancedCivicAnswers=m.flag,
            routingConfig=lambda: {"manualMode": {"modelName": m.word()}},
            modelSelectionConfig=lambda: {"featureSelectionPreference": m.word()},
            enableAffectiveDialog=m.flag,
            translationConfig=lambda: {"targetLanguageCode": m.word()},
            audioTranscriptionConfig=lambda: {"languageCodes": [m.word()]},
            responseFormat=lambda: {"text": {"mimeType": m.word()}},
        )  # fmt: skip
    return m.unknown(config)


def _thinking(m: Maker) -> Json:
    thinking: Json = m.one(
        {"thinkingBudget": m.number()}, {"thinkingBudget": 0}, {"thinkingBudget": -1},
        {"thinkingLevel": m.one("MINIMAL", "LOW", "MEDIUM", "HIGH", "low")}, {},
    )  # fmt: skip
    m.put(thinking, 0.5, includeThoughts=m.flag)
    return thinking


def _classic(m: Maker) -> Json:
    names = m.some(m.word, 3, 1)
    schema: Json = {
        "type": "OBJECT",
        "properties": {name: {"type": "STRING", "description": m.text()} for name in names},
    }
    m.put(
        schema, 0.3,
        required=lambda: names[:1],
        propertyOrdering=lambda: list(names),
        nullable=m.flag,
        description=m.text,
    )  # fmt: skip
    schema["properties"][m.word()] = {"type": "INTEGER", "minimum": m.number(), "format": "int64"}
    schema["properties"][m.word()] = {
        "type": "ARRAY",
        "items": {"type": "NUMBER", "nullable": True},
        "minItems": "1",
    }
    return schema


def _tool(m: Maker) -> Json:
    if m.chance(0.06):
        return m.one(
            {"googleSearch": {}}, {"urlContext": {}}, {"codeExecution": {}},
            {"googleSearch": {"excludeDomains": [m.word()]}}, {"fileSearch": {"fileSearchStoreNames": [m.word()]}},
            {"googleMaps": {"enableWidget": True}}, {"computerUse": {"environment": m.word()}},
            {"googleSearchRetrieval": {"dynamicRetrievalConfig": {"dynamicThreshold": m.fraction(0, 1)}}},
            {"retrieval": {"vertexAiSearch": {"datastore": m.word()}}}, {"enterpriseWebSearch": {}},
            {"mcpServers": [{"name": m.word()}]}, {"parallelAiSearch": {"apiKey": m.word()}}, {"exaAiSearch": {"apiKey": m.word()}},
        )  # fmt: skip
    return m.unknown({"functionDeclarations": m.some(lambda: _declaration(m), 3, 1)})


def _declaration(m: Maker) -> Json:
    word = m.word()
    name = f"fn_{word}" if m.chance(0.85) else m.one(f"a.{word}:b", f"a-{word}", f"a{word}{'z' * 50}")
    declared: Json = {"name": name}
    m.put(declared, 0.85, description=m.text)
    if m.chance(0.9):
        declared |= {"parametersJsonSchema": m.schema()} if m.flag() else {"parameters": _classic(m)}
    if m.chance(0.05):
        m.put(
            declared, 0.4,
            behavior=lambda: "NON_BLOCKING",
            response=lambda: _classic(m),
            responseJsonSchema=m.schema,
        )  # fmt: skip
    return m.unknown(declared)


def _calling(m: Maker, names: list[str]) -> Json:
    config: Json = {"mode": m.one("AUTO", "ANY", "NONE", "VALIDATED")}
    if config["mode"] in {"ANY", "VALIDATED"} and m.chance(0.6):
        config["allowedFunctionNames"] = m.one(names[:1], names)
    if m.chance(0.05):
        config["streamFunctionCallArguments"] = m.flag()
    return config


def _contents(m: Maker, names: list[str]) -> list[Json]:
    contents: list[Json] = []
    for _ in range(m.random.randint(0, 4)):
        contents += m.pick(
            [
                (4, lambda: [_user(m), _model(m)]),
                (0.5, lambda: [_user(m)]),
                (3 if names else 0.3, lambda: [_user(m), *_tool_round(m, names)]),
            ]
        )
    if not contents or m.chance(0.8):
        contents.append(_user(m))
    return contents


def _user(m: Maker) -> Json:
    content: Json = {"role": "user", "parts": [{"text": m.text()}, *m.some(lambda: _part(m), 2)]}
    if m.chance(0.05):
        del content["role"]
    return m.unknown(content)


def _part(m: Maker) -> Json:
    part = m.pick(
        [
            (4, lambda: {"text": m.text()}),
            (3, lambda: _inline(m)),
            (0.8, lambda: {"fileData": {"mimeType": "image/png", "fileUri": m.url()}}),
            (
                0.3,
                lambda: {
                    "fileData": {
                        "mimeType": "application/pdf",
                        "fileUri": m.url("pdf"),
                        "displayName": m.word(),
                    }
                },
            ),
            (
                0.05,
                lambda: {
                    "fileData": {"mimeType": "video/mp4", "fileUri": f"gs://{m.word()}/a.mp4"},
                    "videoMetadata": {"fps": m.number()},
                },
            ),
            (0.05, lambda: {"inlineData": {"mimeType": "audio/wav", "data": m.data("UklGRiQAAABX")}}),
        ]
    )
    m.put(
        part,
        0.01,
        mediaResolution=lambda: {"level": "MEDIA_RESOLUTION_HIGH"},
        partMetadata=lambda: {m.word(): m.word()},
    )
    return m.unknown(part)


def _inline(m: Maker) -> Json:
    kind, start = m.one(
        ("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP), ("application/pdf", PDF)
    )
    blob: Json = {"mimeType": kind, "data": m.data(start)}
    m.put(blob, 0.1, displayName=m.word)
    return {"inlineData": m.unknown(blob)}


def _signature(m: Maker) -> str:
    return m.data("EpwC")


def _model(m: Maker) -> Json:
    parts: list[Json] = []
    if m.chance(0.2):
        parts.append({"text": m.text(), "thought": True})
    parts += m.some(lambda: m.unknown({"text": m.text()}), 2, 1)
    if m.chance(0.2):
        parts[-1]["thoughtSignature"] = _signature(m)
    if m.chance(0.04):
        parts += [
            {"executableCode": {"language": "PYTHON", "code": m.text()}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": m.text()}},
        ]
    if m.chance(0.02):
        parts.append(_inline(m))
    return m.unknown({"role": "model", "parts": parts})


def _tool_round(m: Maker, names: list[str]) -> list[Json]:
    """One turn with calls and its results: with ids or without, in order or not, one perhaps missing."""
    with_ids = m.flag()
    calls = [_call(m, names, with_ids) for _ in range(m.one(1, 1, 2, 3))]
    if m.chance(0.4):
        calls[0]["thoughtSignature"] = _signature(m)
    lead = [{"text": m.text()}] if m.chance(0.2) else []
    answers = [_answer(m, call["functionCall"]) for call in calls]
    if with_ids and m.chance(0.15):
        m.random.shuffle(answers)
    if m.chance(0.03):
        answers.pop()
    if m.chance(0.1):
        answers.append({"text": m.text()})
    told = [m.unknown({"role": m.one("user", "user", "function"), "parts": answers})] if answers else []
    return [{"role": "model", "parts": [*lead, *calls]}, *told, *([_model(m)] if m.chance(0.4) else [])]


def _call(m: Maker, names: list[str], with_ids: bool) -> Json:
    call: Json = {"name": m.one(*names) if names and m.chance(0.95) else f"fn_{m.word()}"}
    if with_ids:
        call["id"] = m.call_id("fc-")
    m.put(call, 0.95, args=m.arguments)
    return m.unknown({"functionCall": m.unknown(call)})


def _answer(m: Maker, call: Json) -> Json:
    answer: Json = {"name": call["name"]}
    if "id" in call:
        answer["id"] = call["id"]
    answer["response"] = m.one(
        {"result": m.text()}, {"output": m.text()}, {"error": m.text()}, m.object(3), {m.word(): m.word()}
    )
    m.put(answer, 0.02, willContinue=m.flag, scheduling=lambda: "SILENT")
    if m.chance(0.04):
        answer["parts"] = [_inline(m)]
    return m.unknown({"functionResponse": m.unknown(answer)})


__all__ = ["OPAQUE", "gemini_request"]
