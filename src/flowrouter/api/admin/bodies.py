"""`/api/requests/{id}/bodies`: what was recorded of one request, to read and to remove.

Both are for admins and are noted in the audit log, which never holds a copy.
"""

from __future__ import annotations

import msgspec

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply
from flowrouter.gateway.ports import NotFoundError


class BodiesRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed: the bodies of the request `id`."""

    id: str
    removed: bool


async def read_bodies(call: Call) -> Reply:
    """Return what was recorded of a request."""
    owner_id, request_id = call.visitor.owner_id, call.rest
    try:
        found = await call.ask(lambda store: store.recordings.get(request_id, owner_id=owner_id))
    except NotFoundError:
        raise _nothing(request_id) from None
    return Reply(data=msgspec.Raw(found))


async def delete_bodies(call: Call) -> Reply:
    """Remove what was recorded of a request; its row in the log stays."""
    owner_id, request_id = call.visitor.owner_id, call.rest
    try:
        await call.ask(lambda store: store.recordings.delete(request_id, owner_id=owner_id))
    except NotFoundError:
        raise _nothing(request_id) from None
    return Reply(data=BodiesRemoved(id=request_id, removed=True))


def _nothing(request_id: str) -> Exception:
    return missing(f"no bodies of a request {request_id[:100]} are kept", code="bodies_not_found")


__all__ = ["BodiesRemoved", "delete_bodies", "read_bodies"]
