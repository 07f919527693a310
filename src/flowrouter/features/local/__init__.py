"""The embedded model: a tiny real model as an ordinary account, so that a new gateway answers at once.

`weights` finds the model's file and the package that runs it, `pull` fetches the file, `server` is the
child process that runs the model, `supervisor` starts it at its first use and keeps watch, `plugin`
joins it to the program.
"""

__all__: list[str] = []
