"""The systems under test: how each one is started and which routes it serves.

A system is a value: a name, a function that writes its files and returns its command, and the routes it can take.
The gateway is one of them; `load_peer` reads others from TOML files, so a comparison needs no code.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.build import BENCH
from harness.cases import ANTHROPIC, OPENAI, SHORT, Case

ROOT = BENCH.parent
SAME = frozenset({(OPENAI, OPENAI), (ANTHROPIC, ANTHROPIC)})
ALL = SAME | {(OPENAI, ANTHROPIC), (ANTHROPIC, OPENAI)}
PLACEHOLDER_KEY = "sk-bench-0000000000000000"
MAX_CONCURRENCY = 10_000
"""Above any load sent here: the gateway's default would make most of 500 streams to one account wait their turn."""

_TOKEN = re.compile(r"flr_[0-9a-f]{72}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a system runs: its own directory, its port, the mock's port, the models it must know."""

    directory: Path
    port: int
    upstream_port: int
    models: dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What to run, and the headers a client must send to it."""

    command: list[str]
    headers: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict[str, str])
    note: str = ""
    introduce: Callable[[], tuple[str, ...]] | None = None
    """Called once it answers; returns headers more."""


def as_it_is(case: Case) -> Case:
    """Return `case`."""
    return case


@dataclass(frozen=True, kw_only=True)
class System:
    """Something that can stand between the client and the mock."""

    name: str
    prepare: Callable[[Place], Launch]
    routes: frozenset[tuple[str, str]] = SAME
    ready_path: str = "/healthz"
    ready_seconds: float = 60.0
    peer: bool = False
    """Somebody else's: what it cannot do is told, and the run goes on."""
    adapt: Callable[[Case], Case] = as_it_is
    """Turns a case's request into the one this system wants."""
    route_headers: dict[tuple[str, str], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[str, ...]]
    )


def mock_upstream(programs: dict[str, str]) -> System:
    """The mock provider; it answers every route itself."""

    def prepare(place: Place) -> Launch:
        return Launch(command=[programs["upstream"], "--port", str(place.port)])

    return System(name="mock", prepare=prepare)


def reference_proxy(programs: dict[str, str]) -> System:
    """The C proxy every figure is compared with."""

    def prepare(place: Place) -> Launch:
        ports = ["--port", str(place.port), "--upstream-port", str(place.upstream_port)]
        return Launch(command=[programs["proxy"], *ports])

    return System(name="proxy", prepare=prepare)


def go_proxy(program: str) -> System:
    """The proxy in Go that the targets are multiples of."""

    def prepare(place: Place) -> Launch:
        return Launch(command=[program, str(place.port), str(place.upstream_port)])

    return System(name="go", prepare=prepare)


def bare() -> System:
    """The gateway's own server and HTTP client with nothing between them (`bare.py`)."""

    def prepare(place: Place) -> Launch:
        ports = [str(place.port), str(place.upstream_port)]
        return Launch(command=[sys.executable, str(BENCH / "bare.py"), *ports])

    return System(name="bare", prepare=prepare)


def gateway(*, settings: str = "", serve_options: tuple[str, ...] = ()) -> System:
    """Flow Router itself, with a gateway key, two accounts and everything on by default.

    `settings` are tables more for `config.toml`, with `{upstream}` for the mock's port.
    """

    def prepare(place: Place) -> Launch:
        config = place.directory / "config.toml"
        data = place.directory / "data"
        more = settings.replace("{upstream}", str(place.upstream_port))
        config.write_text(_gateway_config(place) + more, encoding="utf-8")
        options = ["--config", str(config), "--data", str(data)]
        token, note = _gateway_key(data, config)
        serve = [_gateway_program(), "serve", *options, "--host", "127.0.0.1", "--port", str(place.port)]
        return Launch(
            command=[*serve, *serve_options],
            headers=(f"Authorization: Bearer {token or PLACEHOLDER_KEY}",),
            note=note,
        )

    return System(name="gateway", prepare=prepare, routes=ALL)


def _gateway_program() -> str:
    for candidate in (Path(sys.executable).parent / "flow-router", ROOT / ".venv/bin/flow-router"):
        if candidate.exists():
            return str(candidate)
    raise SystemExit("flow-router is not installed beside this Python; run `make run` or `make test` once.")


def _gateway_config(place: Place) -> str:
    root = f"http://127.0.0.1:{place.upstream_port}"
    bases = {OPENAI: ("custom-openai", f"{root}/v1"), ANTHROPIC: ("custom-anthropic", root)}
    tables: list[str] = []
    for dialect, (preset, base_url) in bases.items():
        models = ", ".join(f'"{model}"' for model in place.models[dialect])
        tables.append(
            f'[[accounts]]\nname = "bench-{SHORT[dialect]}"\npreset = "{preset}"\nbase_url = "{base_url}"\n'
            f'api_key = "{PLACEHOLDER_KEY}"\nmodels = [{models}]\ndialects = ["{dialect}"]\n'
            f"max_concurrency = {MAX_CONCURRENCY}\n"
        )
    return "\n".join(tables)


def _gateway_key(data: Path, config: Path) -> tuple[str, str]:
    """Make a caller key, so that authentication is part of what is measured; else say why not."""
    command = [_gateway_program(), "keys", "create", "bench", "--config", str(config), "--data", str(data)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=clean_environment(data.parent), check=False
    )
    found = _TOKEN.search(done.stdout + done.stderr)
    if found:
        return found.group(), ""
    reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no token printed"]
    return "", f"NO GATEWAY KEY: `keys create` failed ({reason[0]}); measured without authentication"


def nginx(path: str | None) -> System | None:
    """Nginx as a plain forwarding proxy, or None where it is not installed."""
    program = (
        path or shutil.which("nginx") or next((p for p in ("/usr/sbin/nginx",) if Path(p).exists()), None)
    )
    if not program:
        return None

    def prepare(place: Place) -> Launch:
        config = place.directory / "nginx.conf"
        config.write_text(_nginx_config(place), encoding="utf-8")
        return Launch(command=[program, "-e", "stderr", "-p", str(place.directory), "-c", str(config)])

    return System(name="nginx", prepare=prepare)


def _nginx_config(place: Place) -> str:
    temporary = "".join(
        f"  {name}_temp_path {place.directory}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""daemon off; master_process off; worker_processes 1; pid {place.directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 100000000; client_body_buffer_size 1m; client_max_body_size 64m;
{temporary}  upstream mock {{ server 127.0.0.1:{place.upstream_port}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{place.port};
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


def clean_environment(home: Path) -> dict[str, str]:
    """An environment without the user's keys, settings and home directory."""
    kept = {
        key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if key in os.environ
    }
    return kept | {"HOME": str(home)}
