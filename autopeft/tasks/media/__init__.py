"""What tasks on pictures and on sounds have in common: files with one label each."""

from autopeft.tasks.media.item import LabelledMedia, MediaItem
from autopeft.tasks.media.schema import MediaClasses

__all__ = ["LabelledMedia", "MediaClasses", "MediaItem"]
