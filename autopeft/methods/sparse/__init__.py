"""Sparse deltas: some weights of frozen matrices train, by which systems differ."""

from autopeft.methods.sparse.config import SparseConfig, SparseTuner
from autopeft.methods.sparse.dsee import Dsee
from autopeft.methods.sparse.id3 import Id3
from autopeft.methods.sparse.lift import Lift
from autopeft.methods.sparse.lt_sft import LtSft
from autopeft.methods.sparse.sft import SftAg, SftMa
from autopeft.methods.sparse.spt import Spt
from autopeft.methods.sparse.static import Sparse

__all__ = ["SPARSE_DELTAS", "SparseConfig", "SparseTuner"]

#: The systems.
SPARSE_DELTAS = (Sparse(), LtSft(), SftAg(), SftMa(), Id3(), Lift(), Dsee(), Spt())
