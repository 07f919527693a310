"""What an address is, in every spelling and behind every wrapper."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.upstream.addresses import is_metadata_name, kind_of, literal

V4 = st.integers(0, 2**32 - 1).map(IPv4Address)

FORBIDDEN = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:0:0:0:0:5601:5601",
    "2001:db8::5efe:a9fe:a9fe",
]
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "fd12:3456::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_forbidden(address: str) -> None:
    assert kind_of(address) == "forbidden"


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address: str) -> None:
    assert kind_of(address) == "private"


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert kind_of(address) == "public"


def test_what_local_proxies_answer_for_every_name() -> None:
    assert kind_of("198.18.0.7") == "stand_in"


@given(V4)
def test_a_wrapper_never_makes_an_address_less_dangerous(address: IPv4Address) -> None:
    order = ["public", "stand_in", "private", "forbidden"]
    plain = order.index(kind_of(str(address)))
    value = int(address)
    wrapped = [
        IPv6Address(0xFFFF << 32 | value),
        IPv6Address((0x64FF9B << 96) | value),
        IPv6Address((0x2002 << 112) | value << 80 | 1),
        IPv6Address((0x20010DB8 << 96) | 0x5EFE << 32 | value),
    ]
    for each in wrapped:
        assert order.index(kind_of(str(each))) >= plain, each


@given(V4)
def test_every_spelling_of_an_address_is_that_address(address: IPv4Address) -> None:
    value, parts = int(address), address.packed
    spellings = [
        str(value),
        hex(value),
        f"0{value:o}",
        ".".join(f"0{part:o}" for part in parts),
        ".".join(hex(part) for part in parts),
        f"{parts[0]}.{value & 0xFFFFFF}",
        f"{parts[0]}.{parts[1]}.{value & 0xFFFF}",
        f"{address}.",
    ]
    for spelling in spellings:
        assert literal(spelling) == str(address), spelling


@pytest.mark.parametrize("name", ["localhost", "1e100.net", "10.example", "deadbeef", "0x.example", ""])
def test_names_are_no_addresses(name: str) -> None:
    assert literal(name) is None


def test_names_of_metadata_services() -> None:
    assert is_metadata_name("Metadata.Google.Internal.")
    assert not is_metadata_name("metadata.example")
