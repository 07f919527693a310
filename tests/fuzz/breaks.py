"""Answers cut at random places over every pair: `make fuzz`, or `python -m tests.fuzz.breaks --cases 10000`.

Each case is named by its seed and number and can be had again with `--first NUMBER --cases 1`. The promise
(`tests.support.breaks.judge`): whole answers where the second target lets a join be sure, a clean error
elsewhere, no character lost or doubled, never a wrong join.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from random import Random

from flowrouter import logs
from tests.support.breaks import JOINING, judge, perform, random_break

_CHUNK = 250

EXCUSED = frozenset({"the answer had finished", "no text had been sent"})
"""Why an answer may end with an error although its second target would have said the same."""


def play(seed: str, first: int, count: int) -> tuple[Counter[str], list[str]]:
    """Play some cases in a row; return what they came to, and those that broke the promise."""
    logs.configure("error", format="text")
    tally: Counter[str] = Counter()
    failures: list[str] = []
    for number in range(first, first + count):
        case = random_break(Random(f"{seed}:{number}"))
        try:
            result = perform(case)
            told = judge(case, result)
            excused = result.exchange.not_completed in EXCUSED
            assert told.ended or case.kind not in JOINING or excused, result.exchange.not_completed
        except AssertionError as error:
            failures.append(
                f"{seed}:{number} {case}\n    {str(error).splitlines()[0] if str(error) else 'wrong'}"
            )
            continue
        seams = result.exchange.seams
        way = seams[-1].way if seams else "no seam"
        tally[f"{case.kind:<11}{'whole' if told.ended else 'error':<7}{way}"] += 1
    return tally, failures


def main() -> int:
    """Play the cases asked for on all processors; return 1 if one broke the promise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", default="breaks")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    began, end = time.monotonic(), asked.first + asked.cases
    starts = range(asked.first, end, _CHUNK)
    counts = [min(_CHUNK, end - start) for start in starts]
    tally: Counter[str] = Counter()
    failures: list[str] = []
    with ProcessPoolExecutor(asked.workers) as pool:
        for told, failed in pool.map(play, [asked.seed] * len(counts), starts, counts):
            tally += told
            failures += failed
    for line, count in sorted(tally.items()):
        print(f"{count:>7}  {line}")
    print(f"{asked.cases} answers cut in {time.monotonic() - began:.0f} s, {len(failures)} broken promises")
    for failure in failures[:10]:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
