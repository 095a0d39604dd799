"""What the site uses but does not run itself, a Redis and an Asterisk of somebody else's: asked once before anything is started.

Later absences are the nodes' business; they go on and connect again.
"""

from agi.ami.errors import AmiError, AmiLoginRefused
from routing.domain.identifiers import Ids
from routing.store.port import StoreUnreachable
from routing.store.redis import RedisStore
from server.external.gaps import Gap
from server.external.preflight import asterisk_gaps
from server.node_settings import NodeSettings
from server.settings import Site


class Unreachable(Exception):
    """It does not answer, refuses us, or takes no writes; the message names its address and says what to do."""


async def must_answer(site: Site, settings: NodeSettings) -> list[Gap]:
    """What the Asterisk lacks. Raises Unreachable within a few seconds."""
    where = site.folder / "hotline.yaml"
    if site.main.redis.url:
        store = RedisStore(settings.redis_url, log_refusals=False)
        try:
            await store.must_write()
        except StoreUnreachable as away:
            raise Unreachable(f"{away} ({where}; an empty redis.url means a private Redis).") from None
        finally:
            await store.close()
    if site.main.asterisk.mode == "external":
        try:
            return await asterisk_gaps(site, settings, Ids())
        except AmiError as away:
            raise Unreachable(why_no_ami(site, settings, away)) from None
    return []


def why_no_ami(site: Site, settings: NodeSettings, away: AmiError) -> str:
    """In a sentence, with what to do."""
    where = site.folder / "hotline.yaml"
    if isinstance(away, AmiLoginRefused):
        return (
            f"the Asterisk at {_address(settings)} refused our AMI login: {away.reason}; {where} names user and secret "
            "(ami_user, ami_secret_file), and ./hotline asterisk-config --secret prints what that Asterisk's manager.conf needs."
        )
    return (
        f"{away}; check that your Asterisk runs, that its manager.conf opens that port, and host and ami_port in {where} "
        "(./hotline asterisk-config prints what it needs)."
    )


def _address(settings: NodeSettings) -> str:
    host, port = settings.ami_address
    return f"{host}:{port}"
