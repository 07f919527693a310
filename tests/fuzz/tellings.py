"""What a wire body says, in terms that the four dialects share, read with none of the program's own readers.

`readers` knows the forms of each dialect; here they become one `Telling`, so that two can be compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flowrouter.canonical.dialect import Dialect
from tests.fuzz.bodies import TOKEN, Leaf, nodes
from tests.fuzz.readers import AnthropicReader, ChatReader, GeminiReader, ResponsesReader


class Telling(NamedTuple):
    """What a body says in terms that all dialects share.

    `settings` are (path, value) by name; `roles` says of each token of the conversation who said it, `order`
    in which the texts of the turns stand; `calls`, `schemas` and `results` (those that are objects) hold path and value; `marks` are the
    places of cache marks.
    """

    settings: dict[str, Leaf]
    roles: dict[str, str]
    order: list[str]
    calls: list[Leaf]
    schemas: list[Leaf]
    results: list[Leaf]
    marks: list[str]


def tell(dialect: Dialect, body: Mapping[str, Any]) -> Telling:
    """Return what a body says; a Gemini one in camel case."""
    settings = {
        name: (path, value)
        for name, path in _SETTINGS[dialect].items()
        if (value := _at(body, path)) is not None
    }
    reader = _READERS[dialect]
    settings |= {name: found for name, found in reader.settings(body) if found[1] is not None}
    roles: dict[str, str] = {}
    order: list[str] = []
    for role, value in reader.turns(body):
        if role in {"user", "assistant"}:
            order += dict.fromkeys(token for text in _texts(value) for token in TOKEN.findall(text)[:1])
        for token in TOKEN.findall(json.dumps(value, ensure_ascii=False)):
            roles.setdefault(token, role)
    if (stop := _at(body, _STOPS[dialect])) is not None:
        settings["stop"] = (_STOPS[dialect], [stop] if isinstance(stop, str) else stop)
    results = list(_gemini_results(body)) if dialect == "gemini" else []
    marks = [path for path in nodes(body) if path.endswith(_MARKS)]
    return Telling(
        settings, roles, order, list(reader.calls(body)), list(reader.schemas(body)), results, marks
    )


_MARKS = ("cache_control", "prompt_cache_breakpoint")


_STOPS: dict[Dialect, str] = {
    "openai_chat": "stop", "openai_responses": "stop", "anthropic": "stop_sequences",
    "gemini": "generationConfig.stopSequences",
}  # fmt: skip


def _gemini_results(body: Any) -> Iterator[Leaf]:
    for number, content in enumerate(body["contents"]):
        for place, part in enumerate(content["parts"]):
            if "response" in part.get("functionResponse", ()):
                yield (
                    f"contents[{number}].parts[{place}].functionResponse.response",
                    part["functionResponse"]["response"],
                )


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of some content, in any dialect's form."""
    if isinstance(value, str):
        yield value
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict) and isinstance(text := item.get("text"), str):
            yield text


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


_OPENAI = {
    "temperature": "temperature", "top_p": "top_p", "stream": "stream", "service tier": "service_tier",
    "parallel": "parallel_tool_calls",
}  # fmt: skip


_SETTINGS: dict[Dialect, dict[str, str]] = {
    "openai_chat": {
        **_OPENAI,
        "top_k": "top_k", "seed": "seed", "n": "n", "presence": "presence_penalty", "frequency": "frequency_penalty",
        "top logprobs": "top_logprobs", "logprobs": "logprobs", "verbosity": "verbosity",
    },
    "openai_responses": {**_OPENAI, "top logprobs": "top_logprobs", "verbosity": "text.verbosity"},
    "anthropic": {
        "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "stream": "stream",
        "service tier": "service_tier",
    },
    "gemini": {
        "temperature": "generationConfig.temperature", "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK", "seed": "generationConfig.seed", "n": "generationConfig.candidateCount",
        "presence": "generationConfig.presencePenalty", "frequency": "generationConfig.frequencyPenalty",
        "top logprobs": "generationConfig.logprobs", "logprobs": "generationConfig.responseLogprobs",
        "service tier": "serviceTier",
    },
}  # fmt: skip


_READERS: dict[Dialect, Any] = {
    "openai_chat": ChatReader, "openai_responses": ResponsesReader, "anthropic": AnthropicReader, "gemini": GeminiReader,
}  # fmt: skip


__all__ = ["Telling", "tell"]
