"""Brings a begun answer to the client: any form the upstream chose, in the form the client asked for.

`delivery` does it for one answer. Until the content commit a failure here is returned and another target
may answer; after it, the client's stream goes on from another target where that is possible
(`carrying_on.Completion`), else it ends with its own dialect's error, never with a clean terminator.
"""

from __future__ import annotations

from collections.abc import Callable

from flowrouter.clock import Clock
from flowrouter.errors import UpstreamError
from flowrouter.gateway.attempts import Attempts
from flowrouter.gateway.begun import Begun, out_of_time
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.carrying_on import Completion
from flowrouter.gateway.client import Client
from flowrouter.gateway.delivery import NAMED, Delivery, Means
from flowrouter.gateway.endings import note_end
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.untouched import rendered, untouched


class Relay:
    """Delivers answers; what it needs is given once."""

    def __init__(
        self,
        attempts: Attempts,
        *,
        recall: Recall,
        stored: StoredResponses,
        clock: Clock,
        completion: Completion | None = None,
    ) -> None:
        self._attempts = attempts
        self._means = Means(clock=clock, recall=recall, stored=stored, completion=completion)

    async def deliver(
        self, begun: Begun, exchange: Exchange, client: Client, *, settle: Callable[[Exchange], None]
    ) -> Failure | None:
        """Answer the client from `begun`, and close it; a failure means that nothing meaningful has left.

        `settle` is called once the client has its answer, before the rest of the reply is read.
        """
        opened, source = begun.opened, begun.source
        if exchange.hold is None and exchange.inbound.dialect != NAMED:
            outline, response = source.outline, source.response
            if response is not None:
                try:
                    outline = untouched(response, exchange, opened.prepared)
                except BaseException:
                    begun.close()
                    raise
            if outline is not None:
                # All of it is here and leaves at once, like most answers that are no streams.
                clock = self._means.clock
                try:
                    body = source.body
                    if response is not None:
                        body = rendered(response, exchange, target=opened.prepared.target, clock=clock)
                    later = client.answer_now(200, body)
                    if later is not None:
                        await later
                    exchange.problem, exchange.outcome, opened.log.verdict = None, "ok", "answered"
                finally:
                    begun.close()
                    note_end(exchange, opened, outline, sent=client.content_sent, clock=clock)
                return None
        delivery = Delivery(begun, opened, source, exchange, client, self._means, settle)
        try:
            problem = await delivery.run()
        except UpstreamError as error:
            if error.kind == "timeout" and begun.overdue(self._means.clock.monotonic()):
                return out_of_time(begun.target, opened.log)
            return self._attempts.broken(opened.log, begun.target, error)
        finally:
            begun.close()
            delivery.note()
        return None if problem is None else self._attempts.refused(opened, problem)


__all__ = ["Relay"]
