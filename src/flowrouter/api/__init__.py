"""The routes: `llm` (the data plane, raw ASGI), `models` (listings in each dialect's shape), `health`,
and `admin` (management on Starlette, loaded late). `ROUTES` names them all for the documentation.
"""

from flowrouter.api.routes import ROUTES, Route

__all__ = ["ROUTES", "Route"]
