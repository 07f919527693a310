"""Sends traces from a thread of its own: a request only appends to a queue that has an end.

While the collector is away the queue fills, and what it does not take is dropped and counted: an outage is
told once when it begins and once when it is over.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from flowrouter.features.tracing.told import Told
from flowrouter.logs import Logger

QUEUE_MAX = 2_000
"""Exchanges that may wait: some megabytes."""

BATCH = 200
EVERY_SECONDS = 1.0
LAST_SECONDS = 3.0
"""How long the end of the program waits for the last spans."""


class Sender(Protocol):
    """Where traces go; both methods block."""

    def send(self, exchanges: list[Told]) -> bool:
        """Send them; return whether they were taken."""
        ...

    def close(self) -> None:
        """End what is under way."""
        ...


class Exporter:
    """Takes exchanges from the event loop and sends them; `open_sender` is called in the thread."""

    def __init__(self, open_sender: Callable[[], Sender], log: Logger) -> None:
        self._open = open_sender
        self._log = log
        self._queue: deque[Told] = deque()
        self._wake = threading.Event()
        self._ending = False
        self._away = False
        self._sender: Sender | None = None
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self.dropped = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def take(self, told: Told) -> None:
        """Take one exchange; never blocks. Where the queue is full it is dropped."""
        if len(self._queue) >= QUEUE_MAX:
            self.dropped += 1
            return
        self._queue.append(told)
        if len(self._queue) >= BATCH and not self._wake.is_set():
            self._wake.set()

    def stop(self) -> None:
        """Send what is left and end; blocks some seconds at most."""
        self._ending = True
        self._wake.set()
        self._thread.join(LAST_SECONDS)
        if self._sender is not None:
            self._sender.close()  # wakes a thread that waits for its next try
        if self._thread.is_alive():
            self._thread.join(LAST_SECONDS / 2)
        left = self.dropped + len(self._queue)
        if left:
            self._log.warning("traces were dropped", exchanges=left)

    def _run(self) -> None:
        try:
            self._sender = self._open()
        except Exception as error:  # noqa: BLE001 - a library that cannot be loaded must not end the gateway
            self._log.error("traces cannot be sent", error=error)
            return
        while True:
            self._wake.wait(EVERY_SECONDS)
            self._wake.clear()
            ending = self._ending
            while self._queue and self._send_some(self._sender):
                pass
            if ending:
                return

    def _send_some(self, sender: Sender) -> bool:
        """Send one batch; return whether another one may be sent at once."""
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        try:
            taken, reason = sender.send(batch), None
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one batch holds
            taken, reason = False, f"{type(error).__name__}: {error}"
        if not taken:
            self.dropped += len(batch)
        if not taken and not self._away:
            self._log.warning("the trace collector takes nothing; traces are dropped", reason=reason)
        elif taken and self._away:
            self._log.warning("the trace collector is back", dropped=self.dropped)
        self._away = not taken
        return taken


__all__ = ["BATCH", "EVERY_SECONDS", "LAST_SECONDS", "QUEUE_MAX", "Exporter", "Sender"]
