"""Runs a scripted upstream by itself: `python -m tests.upstreams --port 9000 [--dialect anthropic] [--key K]`."""

import argparse
import signal
import threading

from tests.upstreams import ScriptedUpstream
from tests.upstreams.vendor import DIALECTS


def main() -> None:
    """Serve until interrupted; prints the address first."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstreams", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--dialect", default="both", choices=["both", *DIALECTS])
    parser.add_argument("--key", action="append", help="an accepted credential; may be repeated")
    parser.add_argument("--gap", type=float, default=0.0, help="seconds between the pieces of a stream")
    chosen = parser.parse_args()
    finished = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finished.set())
    upstream = ScriptedUpstream(
        chosen.dialect, keys=chosen.key, host=chosen.host, port=chosen.port, gap=chosen.gap
    )
    with upstream:
        print(upstream.url, flush=True)
        finished.wait()


if __name__ == "__main__":
    main()
