"""How long keys are gone by that cannot be looked up again: for ever alone, ten minutes where workers share state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowrouter import app
from flowrouter.config import Config, State
from flowrouter.errors import StorageError

SHARED = State(redis="redis://127.0.0.1:1")
"""Named, and never connected to."""


async def get(application: app.Application, path: str) -> tuple[int, Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:2402")]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    await application(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.mark.parametrize(
    ("shared", "age", "status"),
    [(True, 700.0, 503), (True, 500.0, 200), (False, 70_000.0, 200)],
    ids=["too old", "old", "alone"],
)
async def test_a_configuration_too_old_to_trust_is_not_gone_by(
    tmp_path: Path, *, shared: bool, age: float, status: int
) -> None:
    application = app.build(Config(data=str(tmp_path), state=SHARED if shared else State()))
    try:
        application.configuration._failing = True
        application.configuration._answered_at -= age
        found, body = await get(application, "/v1/models")
        assert found == status
        if status == 503:
            assert body["error"]["code"] == "configuration_too_old"
        assert (await get(application, "/readyz"))[0] == status
        assert (await get(application, "/healthz"))[0] == 200
    finally:
        application.close_store()


def test_a_gateway_that_never_read_its_store_does_not_start(tmp_path: Path) -> None:
    """There is no moment in which keys are not known and calls pass."""
    (tmp_path / "flow-router.sqlite").write_bytes(
        b"this is no database, but it is long enough to be looked at" * 20
    )
    with pytest.raises(StorageError):
        app.build(Config(data=str(tmp_path)))
