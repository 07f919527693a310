"""The child process that runs the model: llama.cpp's own HTTP server on a loopback port.

    python -m flowrouter.features.local.server --model PATH --name NAME [--port P] [--longest-reply N]

The first line on standard input is the key that callers must show: any page in a browser could
otherwise reach the port. Once the model is loaded, `listening ADDRESS` is printed. The process ends
when its input ends, so it cannot outlive the gateway, whatever ends that.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from typing import Any, NoReturn

# The small model was trained on 8192 tokens; longer prompts are refused, not cut.
_CONTEXT = 8192
_PROMPT_CACHE_MIB = 128
_MOST_THREADS = 4
_LOG_ERRORS = 1


def main(argv: list[str] | None = None) -> NoReturn:
    """Serve the model until the input ends."""
    arguments = _parser().parse_args(argv)
    announce = os.dup(1)
    os.dup2(2, 1)  # the library prints to standard output; that is ours
    key = sys.stdin.buffer.readline().strip().decode()
    if not key:
        raise SystemExit("the first line of the input must be the key that callers show")
    server = _start(arguments, key=key)
    # The library's handler swallows the signal; the default one ends the process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.write(announce, f"listening {server.listening_address}\n".encode())
    while sys.stdin.buffer.readline():
        pass
    os._exit(0)  # the library's threads would hold up an ordinary end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Serve the embedded model on loopback.")
    parser.add_argument("--model", required=True, help="the weights' file (GGUF)")
    parser.add_argument("--name", required=True, help="the name the model answers to")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument(
        "--longest-reply",
        type=int,
        default=-1,
        help="tokens for a request that sets no limit; -1: any number",
    )
    return parser


def _start(arguments: argparse.Namespace, *, key: str) -> Any:
    """Return the library's server; it answers requests once this returns."""
    xllamacpp: Any = import_module("xllamacpp")  # an optional package, without types
    parameters = xllamacpp.CommonParams()
    parameters.model.path = arguments.model
    parameters.model_alias = arguments.name
    parameters.hostname = "127.0.0.1"
    parameters.port = arguments.port
    parameters.api_keys = [key]
    parameters.n_ctx = _CONTEXT
    parameters.n_predict = arguments.longest_reply
    parameters.n_parallel = 1
    parameters.cache_ram_mib = _PROMPT_CACHE_MIB
    parameters.fit_params = False
    parameters.webui = False
    parameters.endpoint_slots = False
    parameters.verbosity = _LOG_ERRORS
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    # Threads that spin while they wait for each other crawl as soon as another program wants a core.
    parameters.cpuparams.poll = 0
    parameters.cpuparams_batch.poll = 0
    try:
        return xllamacpp.Server(parameters)
    except RuntimeError:
        raise SystemExit(f"llama.cpp does not load {arguments.model}") from None


if __name__ == "__main__":
    main()

__all__ = ["main"]
