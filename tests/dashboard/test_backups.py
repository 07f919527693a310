"""Backups: made, proven, downloaded, put back at the next start and not after all, deleted."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import axe


def test_a_backup_is_made_proven_and_put_back(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/backups")
    tab.get_by_role("button", name="Make one now").click()
    tab.get_by_label("What it is for").fill("from the page")
    tab.get_by_label("What it is for").press("Enter")
    item = tab.get_by_role("listitem").filter(has_text="from the page")
    expect(item).to_contain_text("made by hand")
    backup = next(
        each for each in gateway.api("GET", "/api/backups") if each["manifest"]["note"] == "from the page"
    )
    item.get_by_role("button", name="Prove it").click()
    expect(item.get_by_text("Whole: it can be put back here")).to_be_visible()
    expect(item.get_by_text("Bytes as written")).to_be_visible()
    axe(tab)
    with tab.expect_download() as saved:
        pick(item, "Download")
    assert Path(saved.value.path()).read_bytes()[:15] == b"SQLite format 3"

    pick(item, "Put back")
    question = tab.get_by_role("alertdialog")
    expect(question.get_by_role("button", name="Put back")).to_be_disabled()
    question.get_by_role("textbox").fill(backup["id"])
    question.get_by_role("button", name="Put back").click()
    expect(tab.get_by_text("A backup is put back at the next start").first).to_be_visible()
    assert gateway.api("GET", f"/api/backups/{backup['id']}")["staged"] is True
    tab.get_by_role("button", name="Not after all").click()
    expect(tab.get_by_role("button", name="Not after all")).to_have_count(0)
    assert gateway.api("GET", f"/api/backups/{backup['id']}")["staged"] is False

    pick(item, "Delete")
    question = tab.get_by_role("alertdialog")
    question.get_by_role("textbox").fill(backup["id"])
    question.get_by_role("button", name="Delete").click()
    expect(item).to_have_count(0)


def pick(item: Locator, name: str) -> None:
    """Choose from the menu of a row."""
    item.get_by_role("button", name="More actions").click()
    item.get_by_role("menuitem", name=name).click()
