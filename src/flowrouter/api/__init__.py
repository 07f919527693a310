"""The routes of the program.

`routes` is the data plane's table, `llm` serves it as raw ASGI, `models` lists models in each dialect's
shape, and `admin` is the management API on Starlette, loaded late.
"""

from flowrouter.api.routes import ROUTES, Route

__all__ = ["ROUTES", "Route"]
