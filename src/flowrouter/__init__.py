"""Flow Router: one local endpoint for every dialect and every provider. The map, in reading order.

`canonical` is the hub: the neutral form of requests, answers and streams. `wire` turns bytes into
frames without knowing what they mean. `dialects` translate frames to the hub and back, siblings that
never meet. `providers` say who speaks which dialect where, as data; `upstream` reaches them over the
network; `httpkit` receives our own callers. `routing` decides, purely, who is asked; `usage` knows what
it costs; `accounts` hold the credentials. `gateway` is the one path every request takes, with the ports it needs; `storage`
fills those ports; `api` is the routes. `features` are islands that come in through `plugins`, whose
places `hookspecs` names. `cli` is the command line, `app` puts everything together.

Beside them stand `config` (settings), `strict_toml` (its reader), `errors` (the tree), `clock` (time
as an argument), `tasks` (supervised background work) and `logs`.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
