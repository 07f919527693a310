"""What each line of Gemini models takes, by the vendor's model pages of November 2026; unknown names take anything."""

import re
from dataclasses import dataclass

ALL_LEVELS = frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"})


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One line of models.

    `budget` is the range of `thinkingBudget` (None: the model does not think), `thinks` whether it does so unasked,
    `can_stop` whether a budget of 0 is allowed. `signs`: calls carry signatures and ids, and signatures are required
    back. `mixes`: functions go together with search and with JSON output. `open`: the line of names that are no
    vendor's; shows thoughts without `includeThoughts`.
    """

    pattern: re.Pattern[str]
    budget: tuple[int, int] | None = None
    thinks: bool = False
    can_stop: bool = True
    levels: frozenset[str] = frozenset()
    signs: bool = False
    mixes: bool = False
    open: bool = False


PROFILES = (
    Profile(pattern=re.compile(r"^gemini-(1|2\.0)")),
    Profile(pattern=re.compile(r"^gemini-2\.5-flash-lite"), budget=(512, 24_576)),
    Profile(pattern=re.compile(r"^gemini-2\.5-flash"), budget=(1, 24_576), thinks=True),
    Profile(pattern=re.compile(r"^gemini-2\.5"), budget=(128, 32_768), thinks=True, can_stop=False),
    Profile(
        pattern=re.compile(r"^gemini-3-pro"),
        budget=(128, 32_768),
        thinks=True,
        can_stop=False,
        levels=frozenset({"LOW", "HIGH"}),
        signs=True,
        mixes=True,
    ),
    Profile(
        pattern=re.compile(r"^gemini-([3-9]|\d\d)[\d.]*-pro"),
        budget=(128, 32_768),
        thinks=True,
        can_stop=False,
        levels=frozenset({"LOW", "MEDIUM", "HIGH"}),
        signs=True,
        mixes=True,
    ),
    Profile(
        pattern=re.compile(r"^gemini-([3-9]|\d\d)"),
        budget=(1, 24_576),
        thinks=True,
        levels=ALL_LEVELS - {"XHIGH"},
        signs=True,
        mixes=True,
    ),
)
ANY = Profile(pattern=re.compile(""), budget=(1, 1_000_000), levels=ALL_LEVELS, mixes=True, open=True)


def profile_of(base: str) -> Profile:
    """Return the line that a model's base name belongs to."""
    return next((row for row in PROFILES if row.pattern.search(base)), ANY)
