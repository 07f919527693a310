"""Pure decisions: which targets may answer a model's name, in which order, and what a failure means.

`facts` (what routing knows of accounts and models) · `names` (a name to a tree: aliases, combos, accounts) ·
`tiers` (what `auto` stands for) · `intent` (which prompts stay at home) · `bypass` (which need no model) ·
`order` (the tree to a plan, with what is known at the moment) · `resolve` (both in one call) · `rules` and `verdict` (what a failure means) ·
`cooldown` (who pauses for how long) · `course` (one request's next step). No I/O, no clock but an argument.
"""

from flowrouter.routing.facts import AccountFacts, Facts
from flowrouter.routing.plan import Plan
from flowrouter.routing.resolve import build_plan
from flowrouter.routing.target import Target
from flowrouter.routing.verdict import Verdict, judge

__all__ = ["AccountFacts", "Facts", "Plan", "Target", "Verdict", "build_plan", "judge"]
