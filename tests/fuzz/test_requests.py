"""Any request renders into JSON that its own dialect reads back, and that the vendor would take."""

from __future__ import annotations

import contextlib
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.history import settle
from flowrouter.canonical.names import fit
from flowrouter.canonical.parts import Provenance, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.dialects import available, codec
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.splice import splice
from tests.fuzz.strategies import names, objects, requests, values, words
from tests.unit.dialects.anthropic.build import judge
from tests.vectors.loader import vectors

spoken = pytest.mark.parametrize("dialect", available())
fast = settings(max_examples=80)

capabilities = st.builds(
    Capabilities,
    max_output=st.sampled_from([None, 4096, 64_000]),
    json_schema=st.booleans(),
    thinking_style=st.sampled_from([None, "none", "manual", "both", "adaptive", "effort"]),
    prefill=st.sampled_from([None, True, False]),
    mid_system=st.sampled_from([None, True, False]),
    family=st.sampled_from([None, "claude"]),
)


@fast
@given(request=requests, limits=capabilities)
@spoken
def test_any_request_renders_and_reads_back(dialect: Dialect, request: Request, limits: Capabilities) -> None:
    if dialect == request.origin:
        request = msgspec.structs.replace(request, origin="anthropic")
    try:
        rendered = codec(dialect).render_request(request, "target", limits)
    except CallerError:
        return
    body = loads(rendered.body)
    assert body.get("model", "target") == "target"
    back = codec(dialect).parse_request(rendered.body)
    again = codec(dialect).render_request(back, "target", limits)
    # Gemini takes any id.
    taken = {"id_pattern": r"(?s:.)", "id_max": 10_000} if dialect == "gemini" else {}
    assert settle(back.messages, **taken).losses == ()
    assert loads(again.body).keys() <= body.keys() | {"tools"}


@fast
@given(request=requests, limits=capabilities)
def test_anthropic_would_take_any_rendered_request(request: Request, limits: Capabilities) -> None:
    plain = Capabilities(
        max_output=limits.max_output,
        json_schema=limits.json_schema,
        thinking_style=limits.thinking_style,
        prefill=limits.prefill,
        mid_system=limits.mid_system,
        family="another",  # the vendor verifies signatures, and these are invented
    )
    try:
        rendered = codec("anthropic").render_request(request, "any-model", plain)
    except CallerError:
        return
    if b'"thinking","thinking"' in rendered.body or b'"redacted_thinking"' in rendered.body:
        return
    judge(rendered)


@fast
@given(request=requests)
@spoken
def test_rendering_is_deterministic(dialect: Dialect, request: Request) -> None:
    render = codec(dialect).render_request
    try:
        assert render(request, "m", Capabilities()) == render(request, "m", Capabilities())
    except CallerError:
        return


@fast
@given(offered=st.lists(names, max_size=12), limit=st.sampled_from([16, 40, 64]))
def test_fitted_names_fit_and_never_collide(offered: list[str], limit: int) -> None:
    fitted = fit(offered, limit=limit)
    assert len(set(fitted.values())) == len(set(offered))
    assert all(re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{limit}}}", name) for name in fitted.values())
    assert fit(fitted.values(), limit=limit) == {name: name for name in fitted.values()}


@fast
@given(request=requests)
def test_a_settled_history_answers_every_call_once_and_in_order(request: Request) -> None:
    settled = settle(request.messages).messages
    open_ids: list[str] = []
    seen: set[str] = set()
    for message in settled:
        results = [part.call_id for part in message.parts if isinstance(part, ToolResult)]
        assert results == open_ids
        assert not results or message.role == "tool"
        open_ids = [part.id for part in message.parts if isinstance(part, ToolCall)]
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call_id) for call_id in open_ids)
        assert not seen & set(open_ids)
        seen |= set(open_ids)
    assert open_ids == []
    assert settle(settled).messages == settled


@fast
@given(members=st.dictionaries(words, values, max_size=4), model=words, name=words)
def test_a_splice_changes_one_member_and_nothing_else(members: dict, model: str, name: str) -> None:
    members = {**members, "model": model}
    spliced = splice(dumps(members), {"model": dumps(name)}, old={"model": dumps(model)})
    assert loads(spliced) == {**members, "model": name}
    assert list(loads(spliced)) == list(members)


@fast
@given(members=objects, name=words)
def test_a_splice_adds_a_member(members: dict, name: str) -> None:
    members.pop("extra", None)
    spliced = splice(dumps(members), {"extra": dumps(name)}, old={})
    assert loads(spliced) == {**members, "extra": name}


REQUESTS = {dialect: vectors("requests", dialect) for dialect in available()}


@fast
@given(data=st.data())
@spoken
def test_a_damaged_body_is_the_callers_error_or_none(dialect: Dialect, data: st.DataObject) -> None:
    """Skim, counts and parse of a real request with something else in some member."""
    body = loads(data.draw(st.sampled_from(REQUESTS[dialect])).body)
    node = body
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.integers(0, 3)):
            node = node[key]
            continue
        node[key] = data.draw(values)
        break
    spoilt = dumps(body)
    for read in (codec(dialect).skim, codec(dialect).skim_counts, codec(dialect).parse_request):
        with contextlib.suppress(CallerError):
            read(spoilt)


@fast
@given(body=st.binary(max_size=60))
@spoken
def test_any_bytes_as_a_body(dialect: Dialect, body: bytes) -> None:
    spoken_here = codec(dialect)
    for read in (spoken_here.skim, spoken_here.parse_request):
        # The address says most of a Gemini request: any object may be the body of one.
        with contextlib.suppress(CallerError) if dialect == "gemini" else pytest.raises(CallerError):
            read(body)
    with pytest.raises(ValueError, match=r"."):
        spoken_here.parse_response(body, Provenance(dialect=dialect))
    assert spoken_here.problem_of(500, body).status == 500
