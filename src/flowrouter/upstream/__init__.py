"""The outbound network behind one door: `transport` sends a request and reads its answer, `mounts` diverts some.

`guard` says where connections may go at all, by `addresses`; `lookup` finds the addresses of a name.
"""

from flowrouter.upstream.guard import EgressError, Guard, Hosts
from flowrouter.upstream.transport import Reply, Take, Transport

__all__ = ["EgressError", "Guard", "Hosts", "Reply", "Take", "Transport"]
