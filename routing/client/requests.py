"""What people ask of the router through this server - agents and supervisors - and the replies."""

import asyncio
from collections.abc import Callable
from typing import Unpack

from routing.domain.messages import AgentAction, AgentAsked, ContactAction, ContactAsked, Details, Message
from routing.domain.orders import Reply
from routing.ports import Clock, Ids

REPLY_WITHIN_S = 5.0


class NoReply(Exception):
    """The router did not answer in time; the message says what that means."""


class Requests:
    """`post` sends to the router; `answer` takes its replies."""

    def __init__(self, server: str, ids: Ids, clock: Clock, post: Callable[[Message], None]) -> None:
        self._server = server
        self._ids = ids
        self._clock = clock
        self._post = post
        self._replies: dict[str, asyncio.Future[Reply]] = {}

    def answer(self, reply: Reply) -> None:
        """The router's; one that nobody waits for any more is passed over."""
        waiting = self._replies.get(reply.request)
        if waiting and not waiting.done():
            waiting.set_result(reply)

    async def ask(self, agent: str, action: AgentAction, **details: Unpack[Details]) -> Reply:
        """Ask for an agent's state; the reply has the state then, and the reason when it was refused. NoReply when nobody routes."""
        request, now_ms = self._ids.new("request"), self._clock.now_ms()
        return await self._replied(AgentAsked(agent, action, request, self._server, at_ms=now_ms, **details))

    async def ask_contact(self, contact: str, action: ContactAction, *, priority: int = 0, queue: str = "") -> Reply:
        """Ask for another priority (seconds) or queue of a waiting contact, or for its end; replied in the same way."""
        request, now_ms = self._ids.new("request"), self._clock.now_ms()
        return await self._replied(ContactAsked(contact, action, request, self._server, priority, queue, now_ms))

    async def _replied(self, question: AgentAsked | ContactAsked) -> Reply:
        request = question.request
        waiting = self._replies[request] = asyncio.get_running_loop().create_future()
        self._post(question)
        try:
            return await asyncio.wait_for(waiting, REPLY_WITHIN_S)
        except TimeoutError:
            raise NoReply(f"no answer from routing within {REPLY_WITHIN_S:.0f} s; the request may still take effect") from None
        finally:
            del self._replies[request]
