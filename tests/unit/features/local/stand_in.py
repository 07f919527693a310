"""A stand-in for the model's process: keeps the child's side of the contract, runs no model.

`--mode` says how it misbehaves: `quiet` never listens, `broken` ends at once, `deaf` ignores the end
of its input and SIGTERM, `slow` takes its time to listen.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--mode", default="good")
parser.add_argument("--model")
parser.add_argument("--name")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--longest-reply", type=int, default=-1)
arguments = parser.parse_args()

key = sys.stdin.readline().strip()
if arguments.mode == "broken":
    sys.exit("no such model: " + str(arguments.model))
if arguments.mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if arguments.mode == "quiet":
    time.sleep(60)
if arguments.mode == "slow":
    time.sleep(0.3)
listener = socket.create_server(("127.0.0.1", arguments.port))
print("noise on stderr", len(key), file=sys.stderr, flush=True)
os.write(1, f"listening http://127.0.0.1:{listener.getsockname()[1]}\n".encode())
while sys.stdin.readline():
    pass
if arguments.mode == "deaf":
    time.sleep(60)
