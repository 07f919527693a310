"""HTTP/1.1 to clients on asyncio and httptools: the gateway's own way in; its inner side are visits, or ASGI 3.

`Connection` is the protocol object of a connection, `Turn` one request on it and its answer, `Door` what the
connections of a process share. Listening, signals and the order of start and end are uvicorn's (`cli/serve`).
"""

from flowrouter.httpkit.server.connection import Connection
from flowrouter.httpkit.server.door import LINGER_SECONDS, PACE_BYTES, Door, Limits, limits_of

__all__ = ["LINGER_SECONDS", "PACE_BYTES", "Connection", "Door", "Limits", "limits_of"]
