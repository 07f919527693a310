"""Lets tests import the benchmark, whose folder is no package."""

import sys

from tests.house.tree import ROOT

sys.path.insert(0, str(ROOT / "bench"))
