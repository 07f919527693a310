"""The thread that sends: a bounded queue, an outage told once, an end that does not wait for ever."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator

import pytest

from flowrouter import logs
from flowrouter.features.tracing import exporter as module
from flowrouter.features.tracing.exporter import Exporter
from flowrouter.features.tracing.told import Span, Told
from flowrouter.gateway.traces import Trace

SPAN = Span(kind="server", name="n", id="1" * 16, parent_id="", started=1, ended=2, attributes={})
TOLD = Told(trace=Trace(trace_id="1" * 32), span=SPAN, attempts=())


class Sender:
    """Takes what comes as `answers` say, then all of it; a `None` waits until it is closed."""

    def __init__(self, *answers: bool | None) -> None:
        self._answers = list(answers)
        self.sent: list[int] = []
        self.closed = threading.Event()
        self.news = threading.Condition()

    def send(self, exchanges: list[Told]) -> bool:
        answer = self._answers.pop(0) if self._answers else True
        if answer is None:
            self.closed.wait(20)
            answer = False
        with self.news:
            self.sent.append(len(exchanges))
            self.news.notify_all()
        return answer

    def close(self) -> None:
        self.closed.set()

    def wait(self, batches: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.sent) >= batches, 20)


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.configure("info", format="json", stream=stream)
    yield stream
    logs.flush()
    logs.configure("info")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(module, "LAST_SECONDS", 0.2)


def messages(said: io.StringIO) -> list[str]:
    logs.flush()
    return [json.loads(line)["message"] for line in said.getvalue().splitlines()]


def started(sender: Sender) -> Exporter:
    made = Exporter(lambda: sender, logs.get("tracing"))
    made.start()
    return made


def test_everything_is_sent_by_the_end(said: io.StringIO) -> None:
    sender = Sender()
    exporter = started(sender)
    for _ in range(module.BATCH * 3 + 1):
        exporter.take(TOLD)
    exporter.stop()
    assert sum(sender.sent) == module.BATCH * 3 + 1
    assert max(sender.sent) <= module.BATCH
    assert (exporter.dropped, messages(said)) == (0, [])


def test_an_outage_is_told_once(said: io.StringIO) -> None:
    sender = Sender(False, False, False)
    exporter = started(sender)
    for batch in range(1, 6):
        exporter.take(TOLD)
        sender.wait(batch)
    exporter.stop()
    assert exporter.dropped == 3
    told = messages(said)
    assert [sum(word in message for message in told) for word in ("takes nothing", "is back")] == [1, 1]


def test_a_collector_that_hangs_holds_nobody_up(said: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 10)
    sender = Sender(None)
    exporter = started(sender)
    for _ in range(1_000):
        exporter.take(TOLD)
    exporter.stop()
    assert sender.closed.is_set()
    assert exporter.dropped >= 970
    assert "traces were dropped" in messages(said)


def test_a_library_that_cannot_be_loaded(said: io.StringIO) -> None:
    def missing() -> Sender:
        raise ImportError("no such library")

    exporter = Exporter(missing, logs.get("tracing"))
    exporter.start()
    exporter.take(TOLD)
    exporter.stop()
    assert "traces cannot be sent" in messages(said)
