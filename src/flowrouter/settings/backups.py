"""The shape of `[backups]`: how often the store is copied, where to, and how many copies stay."""

from __future__ import annotations

from flowrouter.settings.section import Count, Seconds, Section


class Backups(Section, frozen=True):
    """Backups that the gateway makes by itself, every `every_hours`, while `scheduled` is on.

    `keep` is how many of each kind that was not asked for stay: scheduled ones, those before an upgrade, those
    before a restore. `folder` is where backups are kept; empty is `backups` in the data folder.
    """

    scheduled: bool = True
    every_hours: Seconds = 24.0
    keep: Count = 7
    folder: str = ""


__all__ = ["Backups"]
