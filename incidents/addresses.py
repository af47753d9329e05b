"""Which addresses the product may connect to (SSRF: sources and webhooks are user input).

The check is made on the address that a connection really goes to, after the name was resolved, so that redirects
and names that resolve differently the second time are covered too (OWASP ASVS 5.0, V5 and V13).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from incidents.errors import AddressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Public by their number, but inside a cloud they answer to the machine itself: Azure's wire server; and the IETF's
# protocol block, part of which older Pythons call global (Oracle's metadata service is 192.0.0.192).
SPECIAL = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64: the last 32 bits are an IPv4 address


def check_address(host: str, port: int, ip: str, allow_hosts: Collection[str]) -> None:
    """Refuse a connection to ``ip`` unless it is public or the settings name the host.

    Args:
        host: the host of the URL, as it was asked for (a name or a literal address).
        port: the port that is connected to.
        ip: the address that ``host`` resolved to.
        allow_hosts: ``host`` or ``host:port`` entries that may be private.

    Raises:
        AddressRefused: the address is private, loopback, link-local, reserved or a metadata service.
    """
    if is_allowed(host, port, allow_hosts):
        return
    if not is_public(ip):
        raise AddressRefused(
            f"{host}:{port} leads to {ip}, which is not a public address. If it is meant, add "
            f'"{host}:{port}" to allow_hosts in the settings.'
        )


def is_allowed(host: str, port: int, allow_hosts: Collection[str]) -> bool:
    """True when ``allow_hosts`` names the host (any port) or the host with this port."""
    name = _bare(host)
    return any(entry in (name, f"{name}:{port}") for entry in map(_normal, allow_hosts))


def is_public(ip: str) -> bool:
    """True for an address of the public internet; an address inside another (mapped, 6to4, NAT64) counts as that one."""
    try:
        address: Address = ipaddress.ip_address(ip.split("%")[0].strip("[]"))
    except ValueError:
        return False
    inner = _inner(address)
    if inner is not None:
        return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved and not any(address in network for network in SPECIAL)


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _normal(entry: str) -> str:
    """``Bbs.Local:8080``, ``[::1]:80`` and ``::1`` in the form that hosts are compared in."""
    entry = entry.strip().lower()
    if entry.startswith("["):
        name, _, port = entry[1:].partition("]")
        return f"{name}{port}"
    return entry.rstrip(".")


def _bare(host: str) -> str:
    return host.strip().lower().strip("[]").rstrip(".")
