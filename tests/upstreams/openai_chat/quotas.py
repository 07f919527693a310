"""What OpenRouter and DeepSeek tell of an account, at the addresses where they do.

openrouter.ai/docs/api-reference/limits, openrouter.ai/docs/api-reference/credits (for management keys only),
api-docs.deepseek.com/api/get-user-balance; as of 2026-11.
"""

from typing import Any

from tests.upstreams.dialect import Refusal
from tests.upstreams.received import Received
from tests.upstreams.reply import Reply

ADDRESSES = frozenset({"/api/v1/key", "/v1/key", "/api/v1/credits", "/v1/credits", "/user/balance"})


class Quota:
    """An account's money: at OpenRouter the key's limit and use in USD, at DeepSeek the balance."""

    def __init__(self) -> None:
        self.limit: float | None = 10.0
        self.used = 2.5
        self.reset: str | None = "monthly"
        self.management = False
        self.credits = (25.0, 5.0)
        self.balance = "110.00"
        self.currency = "CNY"
        self.refuses = 0
        """A status with which every question is refused, 0 for none."""


def told(received: Received, quota: Quota) -> Reply:
    """Return what the vendor says of the account; raises `Refusal`."""
    if quota.refuses:
        raise Refusal(quota.refuses, "not now", type="rate_limit_error")
    if received.path.endswith("/credits") and not quota.management:
        raise Refusal(403, "Only management keys can perform this operation", type="forbidden")
    return Reply.json(_body(received.path.rpartition("/")[2], quota))


def _body(what: str, quota: Quota) -> dict[str, Any]:
    if what == "credits":
        return {"data": {"total_credits": quota.credits[0], "total_usage": quota.credits[1]}}
    if what == "balance":
        granted = {"granted_balance": "10.00", "topped_up_balance": "100.00"}
        info = {"currency": quota.currency, "total_balance": quota.balance, **granted}
        return {"is_available": float(quota.balance) > 0, "balance_infos": [info]}
    left = None if quota.limit is None else quota.limit - quota.used
    return {
        "data": {
            "label": "sk-or-v1-0e6...1c96",
            "limit": quota.limit,
            "limit_reset": quota.reset,
            "limit_remaining": left,
            "include_byok_in_limit": False,
            "usage": quota.used,
            "usage_daily": quota.used,
            "usage_weekly": quota.used,
            "usage_monthly": quota.used,
            "is_free_tier": False,
            "rate_limit": {"requests": -1, "interval": "10s", "note": "deprecated"},
        }
    }
