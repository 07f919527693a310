"""Every request vector of the other dialects as a body that the vendor's own rules let pass, or a named refusal."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.request import Request
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from tests.unit.dialects.gemini.build import GEMINI_3, GEMINI_25, render
from tests.vectors.loader import Vector, vectors

FOREIGN = [vector for vector in vectors("requests") if vector.dialect != "gemini"]
TARGETS: dict[str, dict[str, Any]] = {
    "3": {**GEMINI_3, "image_url": False, "hosted": frozenset({"web_search"})},
    "2.5": {**GEMINI_25, "image_url": False, "schema_mode": "clean"},
}
UNSAYABLE = (
    "file id|opens no addresses|take no image/gif|another vendor holds|gives no audio|and it was forced"
    "|only its own vendor can read|given at once"
)
"""All that may be refused."""
NOTHING_LEFT = {"conversation-and-stored-prompt-without-input"}


@pytest.mark.parametrize("vector", FOREIGN, ids=[f"{vector.dialect}-{vector.name}" for vector in FOREIGN])
@pytest.mark.parametrize("target", list(TARGETS))
def test_the_vendor_takes_it(vector: Vector, target: str) -> None:
    parse = codec(vector.dialect).parse_request
    if not _is_sayable(parse(vector.body), TARGETS[target]):
        with pytest.raises(CallerError, match=UNSAYABLE) as raised:
            render(parse(vector.body), **TARGETS[target])
        assert raised.value.param
    if vector.name not in NOTHING_LEFT:
        first = render(parse(vector.body), **TARGETS[target], unsupported="drop")
        assert render(parse(vector.body), **TARGETS[target], unsupported="drop").body == first.body


def _is_sayable(request: Request, target: dict[str, Any]) -> bool:
    try:
        render(request, **target)
    except CallerError:
        return False
    return True
