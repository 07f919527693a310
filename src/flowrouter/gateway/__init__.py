"""The one path of every exchange.

`pipeline` is the journey on one screen; it calls `world` (the configuration as compiled for the hot
path), `attempts` (one try at a target), `relay` (its reply to the client, on either lane), `client`
(the client's side: two commits, heartbeats), `blame` (whose error it is) and `settle` (the books,
once). `ports` names what the gateway needs of the store.
"""

__all__: list[str] = []
