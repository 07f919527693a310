"""The store's history is one line: one head, one root, nothing beside it."""

from __future__ import annotations

from tests.house.tree import MIGRATIONS, room


def test_one_head() -> None:
    room("flowrouter.storage")
    from alembic.script import ScriptDirectory

    assert MIGRATIONS.is_dir(), f"{MIGRATIONS} is where the migrations are expected"
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert len(scripts.get_heads()) == 1, f"merge these heads by renumbering: {scripts.get_heads()}"
    assert len(scripts.get_bases()) == 1, f"more than one beginning: {scripts.get_bases()}"
    assert len(list(scripts.walk_revisions())) == len(list((MIGRATIONS / "versions").glob("[0-9]*.py")))
