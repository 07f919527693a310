"""The one path of every exchange.

`pipeline` is the journey on one screen; it calls `world` (the configuration as compiled for the hot
path), `tries` (one try at a target until its answer has begun: a slot, `attempts` to send, `source` to
look at the beginning, `hedging` for a second one beside it), `relay` and `delivery` (a begun answer to
the client, on either lane), `client`
(the client's side: two commits, heartbeats), `blame` (whose error it is) and `settle` (the books,
once). `ports` names what the gateway needs of the store.
"""

__all__: list[str] = []
