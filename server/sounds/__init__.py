"""Sound files for Asterisk: speech rendered and cached, recordings, music and a tone, all 8 kHz mono 16-bit WAV."""

from server.sounds.library import SoundLibrary
from server.sounds.render import CannotRender, Renderer

__all__ = ["CannotRender", "Renderer", "SoundLibrary"]
