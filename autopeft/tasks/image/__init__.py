"""Tasks on pictures: one label each."""

from autopeft.tasks.image.encoded import CROP, FLIP, EncodedPictures
from autopeft.tasks.image.kind import Image
from autopeft.tasks.image.pictures import Picture

__all__ = ["CROP", "FLIP", "EncodedPictures", "Image", "Picture"]
