"""What breaks replies, and what is left of a connection that is no more.

A reply keeps why it broke as words: an exception kept there would keep the frames that it went through, those
the reply, and so on in a circle, which stays in memory, bodies and all, until the collector comes.
"""

from __future__ import annotations

import asyncio

from flowrouter.errors import UpstreamError

Breach = tuple[str, str]
"""Message and kind, as `UpstreamError` has them."""

NOT_HTTP: Breach = ("the provider's answer is not valid HTTP", "protocol")
CUT_OFF: Breach = ("the provider's answer was cut off", "reset")
CLOSED: Breach = ("the provider closed the connection", "reset")


def raisable(breach: Breach) -> UpstreamError:
    """Return the exception to raise, made anew each time."""
    message, kind = breach
    return UpstreamError(message, kind=kind)


class _Ended(asyncio.Transport):
    """Takes whatever is still asked of it, and does nothing."""

    def abort(self) -> None:
        """Be closed already."""

    def is_closing(self) -> bool:
        """Return that it is."""
        return True

    def get_write_buffer_size(self) -> int:
        """Return that nothing waits to leave."""
        return 0


ENDED = _Ended()
"""Stands for the transport of a connection that is no more."""

__all__ = ["CLOSED", "CUT_OFF", "ENDED", "NOT_HTTP", "Breach", "raisable"]
