"""An office with an Asterisk of its own, as there are many: phones, a dialplan, an AMI user, every module that loads by itself.

Its contexts have the names that everybody takes (trunks, agents, outbound, transfer), and nobody in it has heard of Hotline.
"""

import asyncio
import os
import re
import shutil
import tempfile
from pathlib import Path

from server.install.asterisk import AsteriskProgram, find_asterisk
from server.processes.child_process import ChildProcess
from server.sounds.music import music_folder
from simulator.phone import Phone

PHONES = ("1001", "1002", "1003", "1004", "1005", "1020", "2001")  # all but the last are agents' as well
# As any program that is not root's: what is not readable is not read.
ORDINARY = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
SECRET = "office-phone"

FILES = {
    "asterisk.conf": """\
[directories]
astcachedir => {folder}/cache
astetcdir => {folder}/etc
astmoddir => {modules}
astvarlibdir => {folder}/lib
astdbdir => {folder}/lib
astkeydir => {folder}/lib
astdatadir => {data}
astagidir => {folder}/agi-bin
astspooldir => {folder}/spool
astrundir => {folder}/run
astlogdir => {folder}/log

[options]
maxfiles = 4096
nocolor = yes
""",
    "modules.conf": """\
[modules]
autoload = yes
noload = chan_iax2.so
noload = chan_unistim.so
noload = chan_skinny.so
noload = chan_mgcp.so
noload = pbx_dundi.so
noload = res_odbc.so
noload = cdr_odbc.so
noload = res_config_odbc.so
""",
    "logger.conf": "[general]\ndateformat = %F %T.%3q\n[logfiles]\noffice.log => notice,warning,error\n",
    "extensions.conf": """\
[general]
static = yes
writeprotect = yes
clearglobalvars = yes

[globals]
OPERATOR = 2001

[trunks]
exten => 5550000,1,Goto(office,${{OPERATOR}},1)
exten => 5554000,1,Goto(office,4000,1)

[agents]
exten => s,1,Hangup(21)

[served]
exten => _X.,1,Hangup(21)

[transfer]
exten => _X.,1,Goto(office,${{EXTEN}},1)

[outbound]
exten => _9X.,1,NoOp(office line)
 same => n,Answer(,i)
 same => n,Wait(30)
 same => n,Hangup()
exten => 110,1,NoOp(office emergency)
 same => n,Answer(,i)
 same => n,Wait(30)
 same => n,Hangup()

[office]
exten => _[12]0XX,1,Dial(PJSIP/${{EXTEN}},20)
 same => n,Hangup()
include => outbound
""",
    "manager.conf": """\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {ami}

[switchboard]
secret = office-ami
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = all
write = all
""",
    "pjsip.conf": """\
[office-udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[phone](!)
type = endpoint
context = office
disallow = all
allow = alaw,ulaw
direct_media = no
media_address = 127.0.0.1

{phones}
""",
    "musiconhold.conf": "[default]\nmode = files\ndirectory = {music}\n",
    "rtp.conf": "[general]\nrtpstart = {rtp}\nrtpend = {rtp_last}\nstrictrtp = yes\nicesupport = no\n",
}
PHONE = """\
[{name}](phone)
auth = {name}
aors = {name}
callerid = "{name}" <{name}>

[{name}]
type = auth
auth_type = userpass
username = {name}
password = {secret}

[{name}]
type = aor
max_contacts = 1
remove_existing = yes
"""


class Office:
    """The Asterisk of an office; `folder/etc` has its files, to be changed as its people would."""

    def __init__(self, *, sip: int, ami: int, rtp: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hl-office-"))
        self.folder.chmod(0o755)
        self.sip, self.ami = sip, ami
        self.program: AsteriskProgram = find_asterisk(lambda line: None)
        self._phones: list[Phone] = []
        self._before: dict[str, str] = {}
        (self.folder / "etc").mkdir()
        for name in ("cache", "lib/keys", "agi-bin", "spool/tmp", "run", "log"):
            (self.folder / name).mkdir(parents=True)
        words = {
            "folder": self.folder,
            "modules": self.program.modules,
            "data": self.program.data,
            "sip": sip,
            "ami": ami,
            "rtp": rtp,
            "rtp_last": rtp + 199,
            "music": music_folder(self.folder / "music"),
            "phones": "\n".join(PHONE.format(name=name, secret=SECRET) for name in PHONES),
        }
        for name, text in FILES.items():
            self.file(name).write_text(text.format(**words))
        self._child = ChildProcess(
            "the office's Asterisk", self.folder / "log/console.log", self.folder / "run/child.pid", str(self.folder)
        )

    def file(self, name: str) -> Path:
        """A file of its configuration."""
        return self.folder / "etc" / name

    def paste(self, text: str) -> None:
        """Adds what `./hotline asterisk-config` has printed, each part to the end of the file that is named above it."""
        for part in re.split(r"^; ===== ", text, flags=re.MULTILINE)[1:]:
            name, _, body = part.partition(" ")
            path = self.file(name)
            path.write_text((path.read_text() if path.exists() else "") + "\n" + body.partition("\n")[2])

    def edit(self, name: str, before: str, after: str) -> None:
        """Changes one place of a file."""
        text = self.file(name).read_text()
        assert before in text, f"{name} has no {before!r}"
        self._before[name] = text
        self.file(name).write_text(text.replace(before, after, 1))

    def restore(self, name: str) -> None:
        """Undoes the last `edit` of a file."""
        self.file(name).write_text(self._before[name])

    async def start(self) -> None:
        command = [*(ORDINARY if os.getuid() == 0 else []), str(self.program.executable), "-f", "-C", str(self.file("asterisk.conf"))]
        await self._child.start(command, self._ready, 60)

    async def stop(self) -> None:
        await self._child.stop()

    async def restart(self) -> None:
        await self.stop()
        (self.folder / "run/asterisk.ctl").unlink(missing_ok=True)
        await self.start()

    async def command(self, text: str) -> str:
        """What its console answers."""
        process = await asyncio.create_subprocess_exec(
            *(str(self.program.executable), "-C", str(self.file("asterisk.conf")), "-rx", text),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 20)
        return said.decode(errors="replace")

    def phone(self, name: str) -> Phone:
        """One of its phones, not registered yet."""
        phone = Phone(name, SECRET, ("127.0.0.1", self.sip))
        self._phones.append(phone)
        return phone

    async def close(self, *, keep: bool = False) -> None:
        """Everybody goes home."""
        await asyncio.gather(*(phone.close() for phone in self._phones))
        await self.stop()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _ready(self) -> bool:
        return "fully booted" in await self.command("core waitfullybooted")
