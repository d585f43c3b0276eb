"""The guard between a course file and the network: connections go to public addresses only.

Addresses are checked where the connection is made, so that a name cannot change its meaning in between.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore

from retrieval.errors import RetrievalError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_MOST_ADDRESSES = 3  # of one name that are tried
_NAT64 = IPv6Network("64:ff9b::/96")


class FetchFailed(RetrievalError):
    """One address could not be fetched. `status` is the answer's, if there was one; `passing` may go well later."""

    def __init__(self, message: str, hint: str = "", status: int | None = None, passing: bool = False) -> None:
        super().__init__(message, hint)
        self.status = status
        self.passing = passing
        self.retry_after = 0.0


class Refused(FetchFailed):
    """An address that Erica does not fetch. The hint says what would change that, if anything."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet, also where IPv6 carries an IPv4 address inside."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip in _NAT64 and IPv4Address(int(ip) & 0xFFFFFFFF))
        if inner:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses of a host as this machine sees them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the very address that was checked, while TLS and Host still speak of the name.

    `loopback` are hosts with ports, for tests, that must resolve to this machine instead.
    """

    def __init__(self, resolve: Resolver, loopback: frozenset[str]) -> None:
        self._resolve = resolve
        self._loopback = loopback
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check every address, then connect to the first that answers. Raises Refused."""
        failure: Exception | None = None
        for address in (await self._checked(host, port))[:_MOST_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise Refused("sockets of this machine are not fetched from")

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore's own retries."""
        await asyncio.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(dict.fromkeys(await self._resolve(host, port)))
        except (OSError, UnicodeError) as error:
            raise FetchFailed(f"the host name {host} was not found", "Check its spelling.", passing=True) from error
        at_home = f"{host}:{port}" in self._loopback
        if not addresses or not all(map(_is_loopback if at_home else is_public, addresses)):
            raise Refused(
                f"{host} leads to an address inside a private network",
                'Erica crawls public sites only; save the pages in a folder and use kind = "html".',
            )
        return addresses


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback
