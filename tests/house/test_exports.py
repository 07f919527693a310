"""Every package has a front door: `__all__` names what is there, and the map names every room."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.house.tree import PACKAGE, complain, packages


@pytest.mark.parametrize("name", list(packages()))
def test_package_exports_what_it_names(name: str) -> None:
    folder = PACKAGE.parent.joinpath(*name.split("."))
    assert (folder / "__init__.py").is_file(), f"{name} has no __init__.py"
    package = importlib.import_module(name)
    assert package.__doc__, f"{name} does not say what it holds and in which direction it works"
    exported = getattr(package, "__all__", None)
    assert exported is not None, f"{name}/__init__.py has no __all__"
    missing = [each for each in exported if not hasattr(package, each)]
    assert not missing, f"{name}.__all__ names what is not there: {missing}"
    assert len(set(exported)) == len(exported), f"{name}.__all__ names something twice"


def test_map_names_every_room() -> None:
    """The package's docstring is the map a newcomer reads first."""
    import flowrouter

    words = set(re.findall(r"\w+", flowrouter.__doc__ or ""))
    rooms = {name.split(".")[1] for name in packages() if name.count(".") >= 1}
    complain(sorted(rooms - words), "flowrouter/__init__.py does not name these packages.")
