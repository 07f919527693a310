"""One thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from typing import Literal

import msgspec

from flowrouter.errors import ConfigError, FlowRouterError

Status = Literal["ok", "warning", "problem", "skipped"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`area` is the heading it stands under, `check` its stable name for programs.

    `cure` is a command or a sentence; there is one with every warning and problem, and where something
    that is well has a next step.
    """

    area: str
    check: str
    status: Status
    text: str
    cure: str | None = None


class Area:
    """Makes the findings of one area and keeps them in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Finding] = []

    def ok(self, check: str, text: str, cure: str | None = None) -> None:
        """Say that something is as it should be."""
        self._add(check, "ok", text, cure=cure)

    def skip(self, check: str, text: str, cure: str | None = None) -> None:
        """Say that something was not looked at, and why."""
        self._add(check, "skipped", text, cure=cure)

    def warn(self, check: str, text: str, cure: str) -> None:
        """Say what may bite later, or what only part of the users will miss."""
        self._add(check, "warning", text, cure=cure)

    def fail(self, check: str, text: str, cure: str) -> None:
        """Say what does not work."""
        self._add(check, "problem", text, cure=cure)

    def _add(self, check: str, status: Status, text: str, *, cure: str | None) -> None:
        self.found.append(Finding(area=self.name, check=check, status=status, text=text, cure=cure))


def said(error: FlowRouterError) -> str:
    """Return an error's message without the fix that `ConfigError` appends to it."""
    fix = error.fix if isinstance(error, ConfigError) else None
    return error.message.removesuffix(f" ({fix})") if fix else error.message


__all__ = ["Area", "Finding", "Status", "said"]
