"""The command line: `serve` starts the gateway, everything else reads and writes the data folder.

`main` chooses; `serve` and `listen` load neither typer nor rich, because they are on the way to the
first answer. `commands` holds the others, one module per noun; they work through `desk`, whether
the gateway runs or not, and print through `output`.
"""

__all__: list[str] = []
