"""The list of models as Codex asks for it (`?client_version=`): what its picker and its tools need to know.

A client of that kind refuses a list whose rows lack instructions, and works without any where they are
empty; so there are some, our own and short. Levels of reasoning are offered where a model is known to
reason, whatever its dialect: the gateway turns them into budgets where there are no levels.
"""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.capabilities import Capabilities

_INSTRUCTIONS = (
    "You are a coding agent that works in the user's terminal. Read before you write: look at the files "
    "concerned and follow the conventions you find. Use the tools you are given to inspect, change and "
    "run code; make the smallest change that does what was asked, and check it by running what there is "
    "to run. Do not touch what was not asked for, and never discard work you did not make. When you are "
    "done, say briefly what you changed and how you know that it works."
)

_LEVELS = {
    "none": "No reasoning",
    "minimal": "Hardly any reasoning",
    "low": "Quick answers",
    "medium": "A balance of speed and depth",
    "high": "Deep reasoning for hard problems",
    "xhigh": "Deeper still",
    "max": "As deep as the model goes",
}
_COMMON = ("low", "medium", "high")


def codex_model(name: str, display_name: str, *, place: int, able: Capabilities | None) -> dict[str, Any]:
    """Return one row; `place` is its place in the list, `able` what is known of the model."""
    levels = _levels(able)
    row: dict[str, Any] = {
        "slug": name,
        "display_name": display_name,
        "description": None,
        "supported_reasoning_levels": [
            {"effort": level, "description": _LEVELS.get(level, level)} for level in levels
        ],
        "shell_type": "shell_command",
        "visibility": "list",
        "supported_in_api": True,
        "priority": place,
        "availability_nux": None,
        "upgrade": None,
        "base_instructions": _INSTRUCTIONS,
        "supports_reasoning_summaries": bool(levels),
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": None,
        "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "supports_parallel_tool_calls": able is None or able.parallel_tools is not False,
        "experimental_supported_tools": [],
        "input_modalities": ["text"] if able is not None and able.vision is False else ["text", "image"],
    }
    if levels:
        row["default_reasoning_level"] = "medium" if "medium" in levels else levels[0]
    return row


def _levels(able: Capabilities | None) -> tuple[str, ...]:
    if able is None or able.thinking_style in (None, "none"):
        return ()
    return able.efforts or _COMMON


__all__ = ["codex_model"]
