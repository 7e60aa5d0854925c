"""Tasks on pictures: one label each."""

from autopeft.tasks.image.encoded import CROP, FLIP, EncodedPictures
from autopeft.tasks.image.kind import Image
from autopeft.tasks.image.pictures import LabelledPictures, Picture
from autopeft.tasks.image.schema import PictureClasses

__all__ = ["CROP", "FLIP", "EncodedPictures", "Image", "LabelledPictures", "Picture", "PictureClasses"]
