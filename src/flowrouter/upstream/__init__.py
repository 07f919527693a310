"""The outbound network behind one door: `transport` sends a request and reads its answer, `mounts` diverts some."""

from flowrouter.upstream.transport import Reply, Transport

__all__ = ["Reply", "Transport"]
