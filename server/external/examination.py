"""Asks an Asterisk over AMI whether it has what Hotline needs: with the rights that a server has, and a call to itself. Decides nothing.

Rights are tried, not read: what AMI lists as allowed, and which events of the check call arrive. That call is a Local channel into
[hotline-check], which sends a key, plays a second of music, and has Asterisk itself read the sound files.
"""

import asyncio
from collections.abc import Callable, Iterable

from agi.ami.errors import AmiError, AmiNotConnected, AmiRefused
from agi.ami.link import Link, open_link
from agi.ami.protocol import Message
from server.asterisk.modules import CHECK_MODULES, REQUIRED_MODULES
from server.external.gaps import CONTEXTS, Checked, Expected, Facts, PhoneFound

ANSWER_S = 3.0
CHECK_S = 6.0  # the check call takes a little more than a second
CHECK = "hotline-check"
CHECKED = "HOTLINE_CHECKED"


async def examine(address: tuple[str, int], login: tuple[str, str], expected: Expected, new_id: Callable[[str], str]) -> Facts:
    """What is found. Raises AmiError when there is no connection, or the login is refused, or it is lost meanwhile."""
    heard = _Heard()
    link = await open_link(*address, login, heard.take, ANSWER_S)
    try:
        return await _Examination(link, heard, expected, new_id("check").replace("-", "")).facts()
    finally:
        link.close("asked")


class _Heard:
    """The events of a connection."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    def take(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    async def until(self, true: Callable[[], bool], within_s: float) -> bool:
        """Whether it became true in time."""
        try:
            async with asyncio.timeout(within_s):
                while not true():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True


class _Examination:
    """One round of questions; `name` distinguishes its check call from others."""

    def __init__(self, link: Link, heard: _Heard, expected: Expected, name: str) -> None:
        self._link, self._heard, self._expected, self._name = link, heard, expected, name

    async def facts(self) -> Facts:
        """Everything that can be asked with the rights that there are."""
        actions = await self._actions()
        tried = "Originate" in actions and await self._call_check()
        asks = "Getvar" in actions
        modules = await self._modules() if asks else {}
        version = (await self._ask("CoreSettings")).get("AsteriskVersion", "") if "CoreSettings" in actions else ""
        return Facts(
            version=version,
            actions=actions,
            modules=modules,
            contexts=await self._contexts() if "ShowDialPlan" in actions else None,
            features={code: await self._value(f"FEATUREMAP({code})") for code in ("blindxfer", "atxfer")} if asks else None,
            tried=tried,
            read=frozenset(self._classes()),
            tagged=any(message.variables().get("HOTLINE_OFFER") == "check" for message in self._of_check()),
            checked=await self._checked() if tried else None,
            phones={name: await self._phone(name, modules) for name in self._expected.phones} if modules.get("func_pjsip_endpoint") else {},
        )

    async def _actions(self) -> frozenset[str]:
        """AMI lists the actions that this user may use, and no others."""
        return frozenset(await self._ask("ListCommands"))

    async def _modules(self) -> dict[str, bool]:
        """ModuleCheck needs the right to do anything; this function of the dialplan says the same. {} when that is not loaded itself."""
        if not await self._value("IFMODULE(func_module.so)"):
            return {}
        return {name: await self._value(f"IFMODULE({name}.so)") == "1" for name in (*REQUIRED_MODULES, *CHECK_MODULES)}

    async def _contexts(self) -> frozenset[str]:
        return frozenset([name for name in CONTEXTS if await self._has_context(name)])

    async def _has_context(self, name: str) -> bool:
        try:
            return bool(await self._link.list_action("ShowDialPlan", [("Context", name)], ANSWER_S))
        except AmiRefused:
            return False

    async def _phone(self, name: str, modules: dict[str, bool]) -> PhoneFound:
        context = await self._value(f"PJSIP_ENDPOINT({name},context)")
        if not context:
            return PhoneFound()
        codes = await self._value(f"DIALPLAN_EXISTS({context},*40,1)") == "1" if modules.get("func_dialplan") else None
        return PhoneFound(context, codes, await self._value(f"PJSIP_ENDPOINT({name},rtp_timeout)"))

    # -- the check call --------------------------------------------------------------------------------------------------

    async def _call_check(self) -> bool:
        """Returns when its events have come, or do not; False when Asterisk refused it."""
        fields = [("Channel", f"Local/{self._name}@{CHECK}/n"), ("Application", "Wait"), ("Data", "5"), ("Async", "true")]
        fields += [("Timeout", "5000"), ("Variable", f"__HOTLINE_CHECK_FILES={'&'.join(self._expected.files)}")]
        try:
            await self._link.action("Originate", fields, ANSWER_S)
        except AmiRefused:
            return False
        await self._heard.until(lambda: set(self._classes()) == {"call", "dtmf", "user"} or self._failed(), CHECK_S)
        return True

    def _of_check(self) -> Iterable[Message]:
        return (message for message in self._heard.messages if f"/{self._name}@" in message.get("Channel"))

    def _classes(self) -> Iterable[str]:
        kinds = {"Hangup": "call", "DTMFEnd": "dtmf", "UserEvent": "user"}
        return (kinds[message["Event"]] for message in self._of_check() if message["Event"] in kinds)

    def _failed(self) -> bool:
        """There is no such extension: the call is over and has said nothing."""
        answers = [message for message in self._of_check() if message["Event"] == "OriginateResponse"]
        return any(message.get("Response") == "Failure" for message in answers)

    async def _checked(self) -> Checked | None:
        """From its event; from the global variable when that does not come."""
        found = [message.get("Found") for message in self._of_check() if message["Event"] == "UserEvent"]
        words = (found[0] if found else await self._value(CHECKED)).split(" ", 3)
        if len(words) < 3 or words[0] != self._name:
            return None
        unread = words[3] if len(words) > 3 else ""
        return Checked(words[1], _number(words[2]), tuple(path for path in unread.split("&") if path))

    # -- questions --------------------------------------------------------------------------------------------------------

    async def _value(self, expression: str) -> str:
        return (await self._ask("Getvar", ("Variable", expression))).get("Value", "")

    async def _ask(self, action: str, *fields: tuple[str, str]) -> dict[str, str]:
        """The fields of the answer; none when it is refused. Raises AmiError when there is nobody to ask any more."""
        try:
            return dict((await self._link.action(action, fields, ANSWER_S)).fields())
        except AmiNotConnected:
            raise
        except AmiError:
            return {}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
