"""A SIP phone of our own for demo, end-to-end tests and load: it registers, calls, answers, presses keys, talks and reports what it
heard."""

from simulator.phone.audio import Recorder, read_wav, write_wav
from simulator.phone.call import Call
from simulator.phone.call_state import CallState, EndedBy
from simulator.phone.errors import CallOver, CallRefused, PhoneError, RegistrationFailed
from simulator.phone.incoming import IncomingCall
from simulator.phone.policy import Policy, answer_after, answer_on, answer_when_asked, dead, ignore, only_trying, reject
from simulator.phone.tones import Sound, classify, find_tone, hears, sine
from simulator.phone.user_agent import Phone

__all__ = [
    "Call",
    "CallOver",
    "CallRefused",
    "CallState",
    "EndedBy",
    "IncomingCall",
    "Phone",
    "PhoneError",
    "Policy",
    "Recorder",
    "RegistrationFailed",
    "Sound",
    "answer_after",
    "answer_on",
    "answer_when_asked",
    "classify",
    "dead",
    "find_tone",
    "hears",
    "ignore",
    "only_trying",
    "read_wav",
    "reject",
    "sine",
    "write_wav",
]
