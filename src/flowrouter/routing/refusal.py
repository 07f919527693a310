"""Which optional field of a request a provider refused, if its 400 says so plainly.

Hosts differ in what they take, and change without notice. A refusal that names a field whose absence
leaves the meaning of the request intact is worth one try without it. A value that is merely out of
range is the caller's to mend, so words of range are no refusal of the field.

Sources: OpenAI's codes `unsupported_parameter`, `unsupported_value`, `unknown_parameter`; Anthropic's
"Extra inputs are not permitted"; Google's "Unknown name … Cannot find field" (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.problem import Problem

_OPENAI = """
    temperature top_p top_k metadata service_tier parallel_tool_calls prompt_cache_key
    prompt_cache_options prompt_cache_retention safety_identifier store stream_options top_logprobs user
"""

_FIELDS: Mapping[Dialect, str] = {
    "openai_chat": f"""{_OPENAI} frequency_penalty logit_bias logprobs prediction presence_penalty
        reasoning_effort seed verbosity""",
    "openai_responses": f"""{_OPENAI} client_metadata include reasoning.context reasoning.effort
        reasoning.summary stream_options.include_obfuscation text.verbosity truncation""",
    "anthropic": """temperature top_p top_k metadata service_tier cache_control context_management
        inference_geo output_config.effort speed thinking.display""",
    "gemini": """labels safetySettings serviceTier generationConfig.frequencyPenalty
        generationConfig.logprobs generationConfig.mediaResolution generationConfig.presencePenalty
        generationConfig.responseLogprobs generationConfig.seed generationConfig.temperature
        generationConfig.thinkingConfig.includeThoughts generationConfig.topK generationConfig.topP""",
}

OPTIONAL: Mapping[Dialect, frozenset[str]] = {
    dialect: frozenset(names.split()) for dialect, names in _FIELDS.items()
}
"""Members of a body, by dialect, without which a request still means the same."""

RENAMED: Mapping[Dialect, Mapping[str, str]] = {
    "openai_chat": {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"},
}
"""Members that some hosts know under another name only (OpenAI's reasoning models, older hosts)."""

_CODES = frozenset({"unsupported_parameter", "unknown_parameter", "unsupported_value"})
_RANGE = re.compile(r"\b(?:must be|should be|between|at least|at most|greater than|less than|range)\b")
_REFUSAL = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|extra (?:inputs|fields)|cannot find field"
    r"|not (?:supported|permitted|allowed|available)|does ?n[o']t support|no longer supported|deprecated"
)

_EVERYDAY = frozenset({"include", "labels", "metadata", "prediction", "seed", "speed", "store", "user"})
_CALLED = r"""(?:parameters?|arguments?|fields?|names?|propert(?:y|ies)|keys?|inputs?)\b[^\w"'`]*"""


def refused_field(problem: Problem, dialect: Dialect, body: Mapping[str, Any]) -> str | None:
    """Return the path of the optional member of `body` (decoded) that `problem` refuses, if it does."""
    if problem.status not in (400, 422):
        return None
    text = problem.message.lower()
    if problem.code not in _CODES and (not _REFUSAL.search(text) or _RANGE.search(text)):
        return None
    known = OPTIONAL.get(dialect, frozenset()) | RENAMED.get(dialect, {}).keys()
    sent = [path for path in known if present(body, path)]
    named = {_plain(problem.param or "")}
    found = [path for path in sent if named & set(_spellings(path))]
    found = found or [path for path in sent if _quotes(problem.message, path)]
    # The longest path is the most precise: `reasoning.summary` before `summary`.
    return max(found, key=len) if found and _agree(found) else None


def _agree(found: Collection[str]) -> bool:
    """Return whether `found` names one place: a message about several fields teaches nothing certain."""
    longest = max(found, key=len)
    return all(longest == path or longest.startswith(f"{path}.") for path in found)


def _spellings(path: str) -> Iterator[str]:
    yield _plain(path)
    yield _plain(path.rpartition(".")[2])


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _quotes(message: str, path: str) -> bool:
    """Return whether `message` names the member: in quotes, at its end or at its start.

    An everyday word may stand in quotes for other reasons; it must be called a parameter.
    """
    leaf = path.rpartition(".")[2]
    names = "|".join(re.escape(name) for name in dict.fromkeys((path, leaf, snake(leaf))))
    called = _CALLED if leaf in _EVERYDAY else ""
    quoted = rf"""{called}["'`](?:{names})["'`]"""
    return (
        re.search(rf"""{quoted}|^(?:{names})\s*:|:\s*(?:{names})\.?$""", message, re.IGNORECASE) is not None
    )


def snake(name: str) -> str:
    """Return a camelCase name in snake_case, which Google's JSON takes as well."""
    return re.sub("([A-Z])", r"_\1", name).lower()


def spelt(body: Any, path: str) -> str | None:
    """Return `path` (`generationConfig.topK`) as the decoded `body` spells it, None if it is not there."""
    value: Any = body
    found: list[str] = []
    for name in path.split("."):
        members: Mapping[str, Any] = cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
        spelling = next((known for known in (name, snake(name)) if known in members), None)
        if spelling is None:
            return None
        found.append(spelling)
        value = members[spelling]
    return ".".join(found)


def present(body: Any, path: str) -> bool:
    """Return whether the decoded `body` has a member at `path`, in either spelling."""
    return spelt(body, path) is not None


__all__ = ["OPTIONAL", "RENAMED", "present", "refused_field", "snake", "spelt"]
