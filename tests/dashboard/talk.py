"""What tests of the playground do over and over."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.dashboard.stand import Stand

DIALECTS = {
    "openai_chat": ("gpt-5.4", "/v1/chat/completions"),
    "openai_responses": ("gpt-5.4", "/v1/responses"),
    "anthropic": ("claude-sonnet-4-5", "/v1/messages"),
    "gemini": ("gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash"),
}
SLOW = ("slow+long-2000+gap-4", "slower+long-2000+gap-4")


def message(tab: Page) -> Locator:
    return tab.get_by_role("textbox", name="Message", exact=True)


def ask(tab: Page, text: str) -> None:
    message(tab).fill(text)
    tab.get_by_role("button", name="Send", exact=True).click()


def answers(tab: Page) -> Locator:
    return tab.get_by_role("article")


def answered(tab: Page, count: int) -> Locator:
    """Wait until so many answers are there and their costs are known; return the last."""
    expect(tab.get_by_role("link", name="Request", exact=True)).to_have_count(count)
    expect(tab.locator(".play-figures [title^='The cost is not settled']")).to_have_count(0)
    return answers(tab).last


def choose(tab: Page, name: str, label: str = "Model, account or combo") -> None:
    """Choose a target by typing."""
    field = tab.get_by_role("combobox", name=label)
    field.click()
    field.fill(name)
    expect(tab.get_by_role("option", name=name).first).to_be_visible()
    field.press("Enter")
    expect(field).to_have_value(name)


def slowly(stand: Stand) -> Stand:
    """Add an account whose models take their time."""
    draft = {
        "name": "slow", "preset": "custom-openai", "api_key": "slow-key-0123456789", "models": [*SLOW],
        "base_url": stand.vendor.openai_url,
    }  # fmt: skip
    stand.accounts["slow"] = stand.api("POST", "/api/accounts", draft)["id"]
    return stand


__all__ = ["DIALECTS", "SLOW", "answered", "answers", "ask", "choose", "message", "slowly"]
