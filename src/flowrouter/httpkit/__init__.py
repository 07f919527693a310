"""The inbound toolkit: `guard` (who may speak to us at all), `keys` and `auth` (who is calling),
`bodies` (reading and decompressing), `replies` (writing ASGI answers).
"""

from flowrouter.httpkit.caller import Caller

__all__ = ["Caller"]
