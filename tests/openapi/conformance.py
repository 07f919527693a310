"""Whether an answer is one that the description tells of: its status, its type, its schema, its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema

Document = dict[str, Any]


class Contract:
    """One description of `/api`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._validators: dict[tuple[str, str, int], jsonschema.Draft202012Validator] = {}

    def complaints(
        self, method: str, path: str, *, status: int, headers: Mapping[str, str], body: bytes
    ) -> list[str]:
        """Return what about an answer on `path` (as in the description) is not described."""
        described = self.document["paths"][path][method.lower()]["responses"]
        found = described.get(str(status))
        if found is None:
            return [f"the status {status} is not described: {body[:300]!r}"]
        told: list[str] = []
        if status >= 500 and status != 502:
            told.append(f"{status}: {body[:300]!r}")
        if not headers.get("x-request-id"):
            told.append("the answer has no x-request-id")
        content = found.get("content")
        if content is None:
            return [*told, *(["a body where none is described"] if body else [])]
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if kind not in content:
            return [*told, f"the type {kind!r} is not described, only {list(content)}"]
        if kind == "application/json":
            validator = self._validator((method, path, status), content[kind]["schema"])
            errors = validator.iter_errors(json.loads(body))
            told += [f"{list(error.absolute_path)}: {error.message[:300]}" for error in errors]
        return told

    def _validator(self, place: tuple[str, str, int], schema: Any) -> jsonschema.Draft202012Validator:
        if place not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[place] = jsonschema.Draft202012Validator(whole)
        return self._validators[place]


__all__ = ["Contract"]
