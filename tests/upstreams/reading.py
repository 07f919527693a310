"""Reading habits that the dialects share: weighing a request in tokens, data URLs, fingerprints."""

import base64
import binascii
import hashlib
import json
import re
from typing import Any, cast

from tests.upstreams.prompts import Media, count_tokens

MEDIA_TOKENS = 100
MEDIA_KEYS = frozenset({"data", "file_data", "signature", "thoughtSignature"})
DATA_URL = re.compile(r"^data:([^;,]*)((?:;[^,;]*)*?)(;base64)?,(.*)$", re.DOTALL)
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def weigh(value: Any, *, key: str = "") -> int:
    """Count the tokens of all text in a JSON value; media weigh the same whatever their size."""
    if isinstance(value, str):
        heavy = key in MEDIA_KEYS or value.startswith("data:")
        return MEDIA_TOKENS if heavy else count_tokens(value)
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return sum(
            weigh(item, key=name) for name, item in items if name not in ("cache_control", "type", "role")
        )
    if isinstance(value, list):
        return sum(weigh(item) for item in cast(list[Any], value))
    return 0 if value is None or isinstance(value, bool) else 1


def decode_base64(text: str) -> bytes | None:
    """Decode strict base64, None if it is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def media_of_url(url: str) -> Media | None:
    """Read a data URL or take another URL as a reference; None if a data URL is broken."""
    if not url.startswith("data:"):
        return Media(mime="url", reference=url)
    matched = DATA_URL.match(url)
    if matched is None or not matched[3]:
        return None
    data = decode_base64(matched[4])
    return None if not data else Media(mime=matched[1], data=data)


def appears_as(data: bytes) -> str | None:
    """Return the media type that the first bytes give away, if they do."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in MAGIC if data.startswith(magic)), None)


def fingerprint(body: dict[str, Any]) -> str:
    """Digest a body without what only says how to deliver the reply."""
    kept = {key: item for key, item in body.items() if key not in ("stream", "stream_options")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
