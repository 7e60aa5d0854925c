"""The search-space language: spaces, configurations, and the way between them. No torch here."""

from autopeft.space.bound import BoundSpace
from autopeft.space.canonical import canonical
from autopeft.space.configuration import Configuration, read_configuration
from autopeft.space.json_schema import space_schema
from autopeft.space.parameters import Parameter
from autopeft.space.placement import Cell, cells
from autopeft.space.shape import ROLES, BackboneShape
from autopeft.space.shipped import load_space, purpose_of, shipped_spaces
from autopeft.space.space import SearchSpace
from autopeft.space.vocabulary import Knob, MethodWords, Vocabulary

__all__ = [
    "ROLES",
    "BackboneShape",
    "BoundSpace",
    "Cell",
    "Configuration",
    "Knob",
    "MethodWords",
    "Parameter",
    "SearchSpace",
    "Vocabulary",
    "canonical",
    "cells",
    "load_space",
    "purpose_of",
    "read_configuration",
    "shipped_spaces",
    "space_schema",
]
