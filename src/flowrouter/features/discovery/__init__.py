"""What is there already: provider keys in the environment, model servers on this machine.

Each find becomes a disabled account that waits to be adopted; nothing is used, and no secret is kept,
before that. `variables` reads names of variables, `servers` asks loopback ports, `finder` makes accounts
of what they bring, `plugin` joins them to the program.
"""

__all__: list[str] = []
