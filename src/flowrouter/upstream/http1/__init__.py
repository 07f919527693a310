"""HTTP/1.1 to providers on asyncio and httptools: the gateway's own way out, as lean as its work allows.

`origin` (URLs to hosts) · `dial` (names, addresses, TLS, proxies to a connection) · `connection` (one
connection, one exchange at a time) · `pool` (those that wait to be used again) · `client` (the `Transport`).
"""

from flowrouter.upstream.http1.client import Http1Transport

__all__ = ["Http1Transport"]
