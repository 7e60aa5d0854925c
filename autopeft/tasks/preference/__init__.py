"""Tasks of preferences: prompts, each with a better and a worse answer."""

from autopeft.tasks.preference.encoding import PairTokens, cut_pairs, encode_pairs, pair_tokens
from autopeft.tasks.preference.form import PairForm
from autopeft.tasks.preference.kind import Preference
from autopeft.tasks.preference.pairs import Pair, Pairs

__all__ = ["Pair", "PairForm", "PairTokens", "Pairs", "Preference", "cut_pairs", "encode_pairs", "pair_tokens"]
