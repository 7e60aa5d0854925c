"""Tasks for causal language models: data in its usual forms, what of it is learned, token by token."""

from autopeft.tasks.causal.asking import Question, ask, ending_tokens, offer, prompts_of, stop_strings
from autopeft.tasks.causal.encoding import IGNORED, cut_causal, encode_causal
from autopeft.tasks.causal.formats import FORMATS, Format, recognise
from autopeft.tasks.causal.judging import ANSWER_METRICS, AnswerMetric, Judged
from autopeft.tasks.causal.kind import CHOICE_METRIC, Causal
from autopeft.tasks.causal.questions import questions_of
from autopeft.tasks.causal.render import Rendered, render
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.survey import Survey, describe, end_share, survey
from autopeft.tasks.causal.tools import CALLS
from autopeft.tasks.causal.turns import STAND_IN, TOOLS, Example, Turn

__all__ = [
    "ANSWER_METRICS",
    "CALLS",
    "CHOICE_METRIC",
    "FORMATS",
    "IGNORED",
    "STAND_IN",
    "TOOLS",
    "AnswerMetric",
    "Causal",
    "CausalSplit",
    "Example",
    "Format",
    "Judged",
    "Question",
    "Rendered",
    "Survey",
    "Turn",
    "ask",
    "cut_causal",
    "describe",
    "encode_causal",
    "end_share",
    "ending_tokens",
    "offer",
    "prompts_of",
    "questions_of",
    "recognise",
    "render",
    "stop_strings",
    "survey",
]
