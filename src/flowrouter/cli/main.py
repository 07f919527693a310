"""Entry point of `flow-router`: starts the gateway at once, loads the other commands only when asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from flowrouter import __version__
from flowrouter.cli.codes import FAILED, INTERRUPTED, WRONG_USE
from flowrouter.errors import FlowRouterError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong use or configuration."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["serve"]:
            from flowrouter.cli import serve

            return serve.main(arguments[1:])
        if arguments in (["--version"], ["-V"]):
            print(f"flow-router {__version__}")
            return 0
        from flowrouter.cli import commands

        return commands.run(arguments)
    except FlowRouterError as error:
        return _explain(error)
    except BrokenPipeError:
        # The reader went away (`| head`); what it did not read needs no traceback.
        sys.stderr.close()
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _explain(error: FlowRouterError) -> int:
    from flowrouter import logs
    from flowrouter.errors import ConfigError

    print(f"error: {logs.redact(error.message)}", file=sys.stderr)
    return WRONG_USE if isinstance(error, ConfigError) else FAILED


if __name__ == "__main__":
    sys.exit(main())

__all__ = ["main"]
