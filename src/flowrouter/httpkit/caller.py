"""Who is calling, as everything behind the door sees it."""

from __future__ import annotations

import msgspec

from flowrouter.httpkit.keys import LOCAL_OWNER, NO_LIMITS, NO_POLICY, KeyPolicy


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The owner all state is kept under, the key used (None: none was needed) with its name, and its scopes.

    `scopes` are rights beyond the data plane (`admin`). `policy` is what the key's owner decided: what the key
    may use there, how much, and how its requests are treated. What every request asks of it is worked out once:
    `bounded` is the policy's own, `held` says that something of it goes by what stands in a request's body, `watched`
    that something is asked of its requests before they are planned.
    """

    owner_id: str = LOCAL_OWNER
    key_id: str | None = None
    key_name: str = ""
    scopes: tuple[str, ...] = ()
    policy: KeyPolicy = NO_POLICY
    bounded: bool = False
    held: bool = False
    watched: bool = False

    def __post_init__(self) -> None:
        policy = self.policy
        held = policy.bounded or bool(policy.budgets) or policy.limits is not NO_LIMITS
        msgspec.structs.force_setattr(self, "bounded", policy.bounded)
        msgspec.structs.force_setattr(self, "held", held)
        msgspec.structs.force_setattr(self, "watched", held or bool(policy.dialects))


LOCAL = Caller(policy=KeyPolicy(responses_store=True))
"""Anyone on loopback while no gateway key exists: what they ask for stays on their own machine."""

__all__ = ["LOCAL", "Caller"]
