"""`/api` at several workers: an answer that was given once is given again by whichever is asked."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from tests.e2e.test_workers import KEYS, both_answer, workers
from tests.support.redis_server import RedisServer
from tests.upstreams import ScriptedUpstream

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="SEVERAL WORKERS need a POSIX system"),
    pytest.mark.timeout(240),
]


async def test_what_is_sent_twice_is_made_once_at_whichever_worker(redis_server: RedisServer) -> None:
    with (
        ScriptedUpstream("openai_chat", keys=KEYS) as upstream,
        workers(redis_server, upstream, limit=50) as gateway,
    ):
        both_answer(gateway)
        token = (gateway.data / "local.token").read_text().strip()
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "idempotency-key": "5f0b0e0a-6d0c",
            "connection": "close",
        }

        def make(name: str = "laptop") -> tuple[int, bytes]:
            body = json.dumps({"name": name}).encode()
            return gateway.call("POST", "/api/keys", body=body, headers=headers)

        answers = await asyncio.gather(*(asyncio.to_thread(make) for _ in range(16)))
        while any(status == 409 for status, _ in answers):  # while the first was being answered
            assert {json.loads(body)["error"]["code"] for status, body in answers if status == 409} == {
                "in_progress"
            }
            answers = await asyncio.gather(*(asyncio.to_thread(make) for _ in range(16)))
        assert {status for status, _ in answers} == {201}
        assert len({body for _, body in answers}) == 1, "the same token for all"
        assert [(await asyncio.to_thread(make, "phone"))[0] for _ in range(4)] == [422] * 4
        listed = json.loads(gateway.get("/api/keys", headers={"authorization": f"Bearer {token}"})[1])
        assert len(listed["data"]) == 1
