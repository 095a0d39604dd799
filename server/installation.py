"""Where a site's things are on this machine, and the plan of its Asterisk: the joint between settings, state folder and configuration."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

from ivr.ports import Speech
from routing.domain.phone_address import phone_text
from server.asterisk.configuration import Apology, PhoneAccount, Plan
from server.install.asterisk import AsteriskProgram
from server.install.packages import cache_folder
from server.open_files import wanted_by_asterisk
from server.settings import Site
from server.sounds.library import SoundLibrary
from server.sounds.music import music_folder
from server.sounds.render import CannotRender, Renderer
from server.state_folder.folder import close_to_others
from server.state_folder.ports import Ports
from server.state_folder.secrets import Secrets
from server.state_folder.sockets import socket_folder

AMI_USER = "hotline"
# Softphones of people who try the hotline, with the numbers they show; they reach our numbers and nothing else.
TRIAL_PHONES = {"caller": "9001", "caller2": "9002", "caller3": "9003"}
APOLOGY = {
    "zh": "非常抱歉，系统暂时无法为您服务，正在为您转接。请稍候。",
    "en": "We are sorry. Our service is not available at the moment. Please hold on while we try to connect you.",
}

APOLOGY_WITHOUT_FALLBACK = {
    "zh": "非常抱歉，系统暂时无法为您服务，请您稍后再拨。再见。",
    "en": "We are sorry. Our service is not available at the moment. Please call again later. Goodbye.",
}


@dataclass(slots=True)
class Installation:
    """A site on this machine."""

    state: Path
    listen: str = "127.0.0.1"
    speech_program: Path | None = None

    @property
    def redis_data(self) -> Path:
        """Where a private Redis keeps its data."""
        return (self.state / "redis").absolute()

    def accounts(self, site: Site) -> list[str]:
        """The SIP accounts that need a password."""
        return [*site.phones, *TRIAL_PHONES]

    def sounds(self, site: Site) -> SoundLibrary:
        """The library of this site's sounds."""
        folder = cache_folder() / "sounds"
        if site.main.asterisk.mode == "managed":  # one of the site's own runs as a user of its own, who has to read them
            close_to_others(folder)
        return SoundLibrary(folder, *self.voice(site))

    def voice(self, site: Site) -> tuple[Renderer, Path]:
        """What speaks on this site, and the folder of its recordings."""
        programs = {self.speech_program.name: str(self.speech_program)} if self.speech_program else {}
        return Renderer(site.main.speech, program_paths=programs), site.folder / "prompts"


def asterisk_plan(site: Site, installation: Installation, program: AsteriskProgram, ports: Ports, secrets: Secrets) -> Plan:
    """The plan of the managed Asterisk. Renders the apology and the music when they are not in the cache yet."""
    main = site.main
    names = {phone_text(agent.phone): agent.name for agent in site.directory.agents.values()}
    phones = [PhoneAccount(phone, secrets.sip[phone], _plain(names.get(phone, phone))) for phone in site.phones]
    phones += [PhoneAccount(name, secrets.sip[name], name, number, context="callers") for name, number in TRIAL_PHONES.items()]
    return Plan(
        state=installation.state.absolute(),
        run=socket_folder(installation.state),
        modules=program.modules,
        data=program.data,
        available_modules=program.module_names(),
        music=music_folder(cache_folder() / "music"),
        ami_user=AMI_USER,
        ami_secret=secrets.ami,
        agi_servers=tuple(f"127.0.0.1:{ports.agi + number}" for number in range(main.limits.nodes)),
        phones=tuple(phones),
        numbers=tuple(site.numbers),
        any_number=bool(site.default_flow),
        trunks=site.trunks,
        outbound=tuple(main.transfer.allow),
        emergency=tuple(main.emergency),
        fallback=main.asterisk.fallback.dial,
        rounds=rounds_within(main.asterisk.fallback.after // 1000),
        apologies=asyncio.run(_apologies(site, installation)),
        listen=installation.listen,
        sip_port=ports.sip,
        ami_port=ports.ami,
        rtp_first=ports.rtp_first,
        rtp_last=ports.rtp_last,
        file_limit=wanted_by_asterisk(main.limits.calls * main.limits.nodes),
        max_call=main.asterisk.max_call_length // 1000,
        rtp_timeout=main.asterisk.rtp_timeout // 1000,
        country=main.country.lower(),
        system_name=asterisk_name(secrets) if main.redis.url else "",
    )


def asterisk_name(secrets: Secrets) -> str:
    """What distinguishes the Asterisk of this state folder from others that share a Redis with it; it stands in the ids of its calls."""
    return hashlib.sha256(secrets.ami.encode()).hexdigest()[:6]


def rounds_within(seconds: int) -> int:
    """How often the dialplan asks all servers in that time: its pauses are 0.1, 0.2, 0.4 s and then half a second each."""
    return 2 * seconds + 2


async def _apologies(site: Site, installation: Installation) -> tuple[Apology, ...]:
    library = installation.sounds(site)
    words = APOLOGY if site.main.asterisk.fallback.dial else APOLOGY_WITHOUT_FALLBACK
    found = []
    for language in site.main.languages:
        if language in words:
            try:
                files = await library.files([Speech(language, words[language], "apology")])
            except CannotRender:
                continue
            found += [Apology(language, Path(file)) for file in files]
    await library.close()
    return tuple(found)


def _plain(name: str) -> str:
    """A name as it may stand in Asterisk's configuration."""
    return "".join(sign for sign in name if sign.isalnum() or sign in " .-_'")[:40]
