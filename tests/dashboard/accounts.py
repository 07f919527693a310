"""Accounts for tests of the dashboard: made and read through `/api`, found on the page."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

from tests.dashboard.stand import Stand


def made(stand: Stand, name: str, preset: str = "openai", **more: Any) -> str:
    """Add an account at the scripted vendor and return its id."""
    draft = {
        "name": name, "preset": preset, "api_key": f"{name}-key-0123456789", "base_url": stand.vendor.openai_url,
        "models": [f"{name}-model"], "priority": 900, **more,
    }  # fmt: skip
    return str(stand.api("POST", "/api/accounts", draft)["id"])


def told(stand: Stand, account_id: str) -> dict[str, Any]:
    """Return what `/api` tells of an account."""
    answer: dict[str, Any] = stand.api("GET", f"/api/accounts/{account_id}")
    return answer


def row(tab: Page, account_id: str) -> Locator:
    """Return an account's row in the list."""
    return tab.locator(f"[data-id='{account_id}']")


def undo(tab: Page) -> None:
    """Take back what the newest message tells of."""
    tab.locator(".toasts").get_by_role("button", name="Undo").last.click()


__all__ = ["made", "row", "told", "undo"]
