"""Addresses of the public internet, told from all others.

Only public ones are safe to be reached for a client: the rest may be ours, or those of the cloud
that we run in. IANA's special-purpose registries are in the standard library; this module adds what
they lack. `guarded.py` asks it before each connection.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

UNSAFE = frozenset(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # Azure's own services of a virtual machine, in public space
            "192.0.0.0/24",  # clouds have services there; Python knows all of it from 3.12.4 on
            "192.88.99.0/24",  # relays of 6to4, which lead anywhere
        ),
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out; other addresses have meanings that only a network knows."""
NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix; the one for local use (RFC 8215) can hold an address at any place."""


class NotPublic(Exception):
    """A name with an address that is not public, or with none: nobody learns which we have."""

    def __init__(self) -> None:
        super().__init__("it has no public address")


def is_public(text: str) -> bool:
    """Tell whether `text` is an address, IPv4 or IPv6, of the public internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return is_public_address(address)


def is_public_address(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is public; one that wraps another is as public as that."""
    inner = wrapped_by(address)
    if inner is not None:
        return is_public_address(inner)
    return (
        address.is_global
        and not address.is_multicast
        and (address.version == 4 or address in GLOBAL_UNICAST)
        and not any(address in network for network in UNSAFE)
    )


def wrapped_by(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a gateway makes of one (mapped, 6to4, NAT64), or None."""
    if not isinstance(address, IPv6Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
