"""Streams cut and damaged at random: a cut changes nothing, damage never raises."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from random import Random

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import replay
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.wire.sse import SseParser
from tests.fuzz.audit import Finding
from tests.fuzz.making import Maker
from tests.fuzz.replies import ENCODE, REPLIES
from tests.vectors.loader import vectors

_SPOILS = (b"", b"\n\n", b"\x00", b"\xff\xfe", b"data: ", b'"', b"}", b"[DONE]", b"null", b"\xe2\x80\xa8")


@cache
def _recorded(dialect: Dialect) -> tuple[bytes, ...]:
    return tuple(vector.body for vector in vectors("streams", dialect))


def stream(dialect: Dialect, chance: Random) -> bytes:
    """Return a stream: a recorded one, or a made answer as this dialect's encoder writes it."""
    if chance.random() < 0.5:
        return chance.choice(_recorded(dialect))
    origin = chance.choice(tuple(REPLIES))
    body = json.dumps(REPLIES[origin](Maker(chance.getrandbits(60))), ensure_ascii=False).encode()
    response = codec(origin).parse_response(body, Provenance(dialect=origin))
    encoder = codec(dialect).encoder(ENCODE)
    return b"".join(encoder.feed(event) for event in replay(response))


def pieces(data: bytes, chance: Random) -> list[bytes]:
    """Return `data` cut at random places, some of them side by side."""
    places = sorted({chance.randrange(len(data) + 1) for _ in range(chance.choice((1, 3, 10, 60)))})
    return [data[start:stop] for start, stop in zip([0, *places], [*places, len(data)], strict=True)]


def events(dialect: Dialect, parts: Iterable[bytes], *, lax: bool = False) -> list[Event]:
    """Return a stream's events, held against the grammar."""
    options = DecodeOptions(provenance=Provenance(dialect=dialect), lax_finish=lax, think_tags=lax)
    parser, decoder, grammar = SseParser(), codec(dialect).decoder(options), Grammar()
    found: list[Event] = []
    for part in parts:
        for frame in parser.feed(part):
            found += decoder.feed(frame)
    for frame in parser.close():
        found += decoder.feed(frame)
    found += decoder.close()
    for event in found:
        grammar.check(event)
    grammar.end()
    return found


def damaged(data: bytes, chance: Random) -> bytes:
    """Return `data` with bytes cut out, doubled, overwritten or put in."""
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(spoilt) + 1)
        length = chance.choice((0, 1, 1, 7, 60, 400))
        other = chance.choice((chance.choice(_SPOILS), bytes(spoilt[at : at + 90]), chance.randbytes(4)))
        spoilt[at : at + length] = other
    return bytes(spoilt)


def audit_stream(dialect: Dialect, seed: str) -> list[Finding]:
    """Return what is wrong with one stream, cut, and cut and damaged; raises what a decoder raises."""
    chance = Random(seed)
    data = stream(dialect, chance)
    findings: list[Finding] = []
    if events(dialect, pieces(data, chance)) != events(dialect, [data]):
        findings.append(Finding("cut differently, other events", dialect, repr(data[:200])))
    spoilt, lax = damaged(data, chance), chance.random() < 0.3
    if events(dialect, pieces(spoilt, chance), lax=lax) != events(dialect, [spoilt], lax=lax):
        findings.append(Finding("damaged and cut differently, other events", dialect, repr(spoilt[:200])))
    return findings


__all__ = ["audit_stream", "damaged", "events", "pieces", "stream"]
