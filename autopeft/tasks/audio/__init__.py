"""Tasks on clips of sound: one label each."""

from autopeft.tasks.audio.clips import Clip
from autopeft.tasks.audio.encoded import EncodedClips
from autopeft.tasks.audio.kind import Audio
from autopeft.tasks.audio.schema import ClipClasses

__all__ = ["Audio", "Clip", "ClipClasses", "EncodedClips"]
