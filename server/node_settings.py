"""Where a server node finds and offers things: addresses, logins, tokens; worked out of the site, its ports and its secrets."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import quote, urlsplit, urlunsplit

from server.installation import AMI_USER, Installation
from server.settings import Site
from server.state_folder.ports import Ports
from server.state_folder.secrets import Secrets
from server.state_folder.sockets import private_redis_url

LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Where a node finds and offers things."""

    installation: Installation
    redis_url: str
    ami_address: tuple[str, int]
    ami_login: tuple[str, str]
    agi_address: tuple[str, int]
    http_address: tuple[str, int]
    tokens: Mapping[str, str]
    agi_from: tuple[str, ...] = LOOPBACK  # networks

    def takes_agi_from(self, address: str) -> bool:
        """Whether a FastAGI connection from this address is one of our Asterisk's."""
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer in ip_network(network) for network in self.agi_from)

    @property
    def agi_for_asterisk(self) -> str:
        """Where Asterisk reaches our FastAGI; "" when we do not know, because we listen on every address."""
        host, port = self.agi_address
        return "" if host in ("0.0.0.0", "::", "") else f"{host}:{port}"


def node_settings(site: Site, installation: Installation, *, ports: Ports, secrets_known: Secrets, number: int = 0) -> NodeSettings:
    """The settings of a node on the machine of its Asterisk, or of an external one that config/hotline.yaml names.

    `number` distinguishes the nodes of one machine, by their ports.
    """
    asterisk = site.main.asterisk
    ami_host, ami_port, ami_user = "127.0.0.1", ports.ami, AMI_USER
    if asterisk.mode == "external":
        ami_host, ami_port, ami_user = asterisk.host, asterisk.ami_port or 5038, asterisk.ami_user
    return NodeSettings(
        installation,
        redis_url(site) or private_redis_url(installation.state),
        (ami_host, ami_port),
        (ami_user, ami_secret(site, secrets_known)),
        ("127.0.0.1" if asterisk.mode == "managed" else installation.listen, ports.agi + number),
        (installation.listen, ports.http + number),
        secrets_known.tokens,
        (*LOOPBACK, *_addresses(asterisk.host), *asterisk.agi_from),
    )


def redis_url(site: Site) -> str:
    """Where the Redis of somebody else's is, with the password of its file; "" for a private one. Raises OSError."""
    redis = site.main.redis
    if not (redis.url and redis.password_file):
        return redis.url
    password = (site.folder / redis.password_file).read_text().strip()
    parts = urlsplit(redis.url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{host}"))


def _addresses(host: str) -> list[str]:
    """The addresses of the machine of an external Asterisk, as far as its name is known now."""
    try:
        return sorted({str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None)})
    except OSError:
        return []


def ami_secret(site: Site, known: Secrets) -> str:
    """The password of our AMI user: ours, unless the site names a file for that of an external Asterisk."""
    asterisk = site.main.asterisk
    if asterisk.mode == "external" and asterisk.ami_secret_file:
        return (site.folder / asterisk.ami_secret_file).read_text().strip()
    return known.ami
