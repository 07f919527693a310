"""Pure decisions: which targets may answer a model's name, in which order, and what a failure means.

`facts` (what routing knows of accounts and models) · `plan` (a name to ordered attempts, with the
reasons) · `verdict` (an attempt's outcome to what comes next). No I/O, no clock but an argument.
"""

from flowrouter.routing.facts import AccountFacts, Facts
from flowrouter.routing.plan import Plan, build_plan
from flowrouter.routing.target import Target
from flowrouter.routing.verdict import Verdict, judge

__all__ = ["AccountFacts", "Facts", "Plan", "Target", "Verdict", "build_plan", "judge"]
