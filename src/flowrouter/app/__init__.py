"""The composition root: builds every object once and puts them together; holds no rules of its own.

`ground` (settings, store, network, shared state) · `engine` (what answers requests) · `program` (the ASGI
callable, its life and its management).
"""

from flowrouter.app.ground import TOKEN_FILE, local_token
from flowrouter.app.program import Application, build, guard_for, look_at_store, rekeying

__all__ = ["TOKEN_FILE", "Application", "build", "guard_for", "local_token", "look_at_store", "rekeying"]
