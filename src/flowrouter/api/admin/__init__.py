"""The management API under `/api`, and the page at `/`.

`table.ADMIN_ROUTES` names every route once: the server, `/api/openapi.json` and the tests of the guide read
the same rows. A route's function (in `accounts`, `account_lists`, `presets`, `keys`, `request_log`, `models`,
`settings`, `status`, `trying`, `logs`, …) takes a `Call` of checked values and returns a `Reply`; only `server`, `knocking` and
`page` know HTTP. Who may call it is `access` (at the door), `roles` (what each may do) and `login` (getting
in); `audit` writes down what changed. Importing this package loads neither Starlette nor the routes, so that
the gateway can answer before they are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowrouter.api.admin.deps import AccountTest, AdminDeps, ASGIApp, Repositories
from flowrouter.api.admin.handover import Handover

if TYPE_CHECKING:
    from flowrouter.api.admin.table import ADMIN_ROUTES


def create(deps: AdminDeps) -> ASGIApp:
    """Return the application for every path under `/api` and for `/`."""
    from flowrouter.api.admin.server import build

    return build(deps)


def __getattr__(name: str) -> Any:
    if name != "ADMIN_ROUTES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from flowrouter.api.admin.table import ADMIN_ROUTES

    return ADMIN_ROUTES


__all__ = ["ADMIN_ROUTES", "ASGIApp", "AccountTest", "AdminDeps", "Handover", "Repositories", "create"]
