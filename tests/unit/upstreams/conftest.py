"""One scripted upstream per test, playing every vendor."""

from collections.abc import Iterator

import pytest

from tests.upstreams import ScriptedUpstream


@pytest.fixture
def up() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream
