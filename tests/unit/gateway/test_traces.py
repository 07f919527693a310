"""Trace context as clients send it: read by the letter of W3C Trace Context, never trusted further."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.gateway.traces import Trace, forwarded, span_id, trace_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def named(text: str, **more: str) -> Trace:
    return trace_of({"traceparent": text, **more}, "req_1")


def test_a_client_names_its_trace() -> None:
    found = named(f"00-{TRACE}-{PARENT}-01", tracestate="a=1")
    assert found == Trace(trace_id=TRACE, parent_id=PARENT, state="a=1", sampled=True)
    assert not named(f"00-{TRACE}-{PARENT}-00").sampled
    assert named(f"cc-{TRACE}-{PARENT}-01-what-comes-later").trace_id == TRACE


@pytest.mark.parametrize(
    "text",
    [
        f"00-{TRACE}-{PARENT}-01-more", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{PARENT}-01", f"00-{TRACE}-{PARENT}", "", "made-up",
    ],
    ids=["more in version 00", "version ff", "no trace", "no parent", "capitals", "no flags", "empty", "words"],
)  # fmt: skip
def test_what_is_not_well_formed_counts_for_none(text: str) -> None:
    found = named(text, tracestate="a=1")
    assert (found.parent_id, found.state) == ("", "")
    assert found.trace_id == trace_of({}, "req_1").trace_id


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    found = named(text)
    assert len(found.trace_id) == 32
    assert int(found.trace_id, 16)


def test_ids_are_made_of_the_requests() -> None:
    ids = {span_id(request, number) for request in ("req_1", "req_2") for number in range(4)}
    assert len(ids) == 8
    assert all(len(each) == 16 and int(each, 16) for each in ids)
    assert span_id("req_1", 2) == span_id("req_1", 2)


def test_a_share_is_sampled() -> None:
    kept = [trace_of({}, f"req_{number}", share=0.2).sampled for number in range(2_000)]
    assert 300 < sum(kept) < 500
    assert not trace_of({}, "req_1", share=0.0).sampled
    told = trace_of({"traceparent": f"00-{TRACE}-{PARENT}-01"}, "req_1", share=0.0)
    assert told.sampled, "the client's word goes before the share"


def test_what_a_provider_is_told() -> None:
    trace = Trace(trace_id=TRACE, parent_id=PARENT, state="a=1", sampled=False)
    assert dict(forwarded(trace, "1" * 16)) == {
        "traceparent": f"00-{TRACE}-{'1' * 16}-00",
        "tracestate": "a=1",
    }
    assert len(named(f"00-{TRACE}-{PARENT}-01", tracestate="x" * 600).state) == 0, "too long to be carried"
