"""The outbound network behind one door: `transport` sends a request and reads its answer."""

from flowrouter.upstream.transport import Reply, Transport

__all__ = ["Reply", "Transport"]
