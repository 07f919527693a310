"""What the routes of logging in share: one of each per process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowrouter.api.admin.login.passwords import Passwords
from flowrouter.api.admin.login.throttle import Throttle
from flowrouter.api.admin.sessions import Sessions

if TYPE_CHECKING:
    from flowrouter.api.admin.deps import AdminDeps
    from flowrouter.api.admin.login.provider import Provider


class Logins:
    """Sessions, passwords, the throttle, and the OpenID Connect provider where one is configured."""

    __slots__ = ("_deps", "_provider", "passwords", "sessions", "throttle")

    def __init__(self, deps: AdminDeps) -> None:
        self._deps = deps
        self._provider: Provider | None = None
        self.sessions = Sessions(deps)
        self.passwords = Passwords()
        self.throttle = Throttle(deps.state, deps.clock, free=deps.config.admin.free_attempts)

    @property
    def provider(self) -> Provider | None:
        """Return the provider that the settings name; made at the first use."""
        oidc = self._deps.config.admin.oidc
        if self._provider is None and oidc.issuer:
            from flowrouter.api.admin.login.provider import Provider

            self._provider = Provider(oidc, self._deps.transport, self._deps.clock)
        return self._provider


__all__ = ["Logins"]
