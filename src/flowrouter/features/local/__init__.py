"""The embedded model: a tiny real model as an ordinary account, so that a new gateway answers at once.

`weights` finds the installed packages, `server` is the child process that runs the model,
`supervisor` keeps that child alive beside the gateway, `plugin` joins it to the program.
"""

__all__: list[str] = []
