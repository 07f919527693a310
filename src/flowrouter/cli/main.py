"""Entry point of `flow-router`: starts the gateway at once, loads the other commands only when asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from flowrouter import __version__
from flowrouter.cli.codes import FAILED, INTERRUPTED, WRONG_USE
from flowrouter.errors import FlowRouterError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong use or configuration."""
    return guarded(lambda: _run(list(sys.argv[1:] if argv is None else argv)))


def guarded(run: Callable[[], int]) -> int:
    """Return the exit code of `run`; what goes wrong is said in a line instead of a traceback."""
    try:
        return run()
    except FlowRouterError as error:
        return _explain(error)
    except BrokenPipeError:
        # The reader went away (`| head`); what it did not read needs no traceback.
        sys.stderr.close()
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a defect's traceback is for its report, without secrets
        return _confess(error)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["serve"]:
        from flowrouter.cli import serve

        return serve.main(arguments[1:])
    if arguments in (["--version"], ["-V"]):
        print(f"flow-router {__version__}")
        return 0
    from flowrouter.cli import commands

    return commands.run(arguments)


def _explain(error: FlowRouterError) -> int:
    from flowrouter import logs
    from flowrouter.errors import ConfigError

    print(f"error: {logs.redact(error.message)}{_remedy(error)}", file=sys.stderr)
    return WRONG_USE if isinstance(error, ConfigError) else FAILED


def _remedy(error: FlowRouterError) -> str:
    """Return what to do about a thing that an applied file owns."""
    file = getattr(error, "file", None) if type(error).__name__ == "ManagedError" else None
    return f" (change {file} and apply it again, or take this over until then: --detach)" if file else ""


def _confess(error: Exception) -> int:
    import traceback

    from flowrouter import logs

    logs.flush()
    print(logs.redact("".join(traceback.format_exception(error))), file=sys.stderr, end="")
    print("This is a defect of Flow Router; please report the lines above.", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())

__all__ = ["guarded", "main"]
