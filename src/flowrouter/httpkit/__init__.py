"""The inbound toolkit: who may speak, who is calling, what they say, and how to answer.

`guard` (who may speak to us at all), `keys`, `caller` and `auth` (who is calling), `bodies` (reading
and decompressing), `memory` (how many bodies at once), `replies` (writing ASGI answers).
"""

from flowrouter.httpkit.caller import Caller

__all__ = ["Caller"]
