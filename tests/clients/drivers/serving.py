"""What the Python drivers share: jobs come in as lines of JSON, facts go out as lines of JSON.

A job names an operation, the address, the model, the prompt and a folder; the facts are what the client's user
would see. A client's exception is a fact too: `error`.
"""

import asyncio
import base64
import inspect
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = dict[str, Any]
Facts = dict[str, Any]
Operation = Callable[[Job], Any]

READ = "Read a file."
WRITE = "Write a text to a file."
PATH = {"type": "string", "description": "the file"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "read_file": {
        "type": "object",
        "properties": {"path": PATH},
        "required": ["path"],
        "additionalProperties": False,
    },
    "write_file": {
        "type": "object",
        "properties": {"path": PATH, "text": {"type": "string"}},
        "required": ["path", "text"],
        "additionalProperties": False,
    },
}
DESCRIPTIONS = {"read_file": READ, "write_file": WRITE}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ROUNDS = 6


def read_file(path: str) -> str:
    """Read a file."""
    return Path(path).read_text()


def write_file(path: str, text: str) -> str:
    """Write a text to a file."""
    Path(path).write_text(text)
    return "written"


def use_tool(name: str, arguments: dict[str, Any]) -> str:
    """Run a tool of the model's choice."""
    return {"read_file": read_file, "write_file": write_file}[name](**arguments)


def image_bytes(job: Job) -> bytes:
    """Return the picture to send."""
    return base64.b64decode(job["image"])


def serve(operations: dict[str, Operation]) -> None:
    """Answer jobs until the input ends; whatever else the client prints goes to the error output."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            facts = operations[job["operation"]](job)
            if inspect.isawaitable(facts):
                facts = loop.run_until_complete(facts)
        except Exception as error:
            facts = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(facts, default=str) + "\n")
        out.flush()
