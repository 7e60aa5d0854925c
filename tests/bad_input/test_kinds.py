"""Data that is not of the kind of task it is taken for, or has a fault of its kind."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV, PAIRS, SCORED, TAGGED, TALKS, TOPICS, csv, jsonl

FLAGS = "--budget 20% --trials 2 --workers 0 --examples 20 --epochs 1 --no-select -o run"
BERT = f"search --model {{place}}/tiny-bert {FLAGS} --data data"
LLAMA = f"search --model {{place}}/tiny-llama --space lora {FLAGS} --data data"


KINDS = [
    Case(
        "a kind with a slip",
        BERT + ".csv --kind clasification",
        ("unknown kind of task 'clasification", "did you mean 'classification'?, or one of your own with"),
        {"data.csv": CSV},
    ),
    Case(
        "names as numbers",
        BERT + ".csv --kind regression",
        ("line 2: the label column 'label' holds 'a", "Mend it, empty it to leave the row out, or name another"),
        {"data.csv": CSV},
    ),
    Case(
        "texts as lists of words",
        BERT + ".csv --kind tokens",
        ("has no column 'tokens", "Name the column of the words by --text and that of their"),
        {"data.csv": CSV},
    ),
    Case(
        "texts as questions and documents",
        BERT + ".csv --kind rerank",
        ("has no column 'query", "Name the columns with --query, --document and --relevance"),
        {"data.csv": CSV},
    ),
    Case(
        "a metric of texts that are written",
        BERT + ".csv --metric rouge_l",
        ("unknown metric 'rouge_l' of a task of classification", "expected one of: accuracy, macro_f1, mcc"),
        {"data.csv": CSV},
    ),
    Case(
        "a metric with a slip",
        BERT + ".csv --metric acuracy",
        ("unknown metric 'acuracy' of a task of classification", "expected one of: accuracy, macro_f1, mcc"),
        {"data.csv": CSV},
    ),
    Case(
        "a number that is the same in all rows",
        BERT + ".csv --kind regression",
        ("20 train rows have the label 2.5", "Is it the right label column?"),
        {"data.csv": csv(lambda n: f"good {n},2.5")},
    ),
    Case(
        "numbers with units",
        BERT + ".csv --kind regression",
        ("line 2: the label column 'label' holds '0 kg", "Mend it, empty it to leave the row out, or name another"),
        {"data.csv": csv(lambda n: f"good {n},{n} kg")},
    ),
    Case(
        "numbers without end",
        BERT + ".csv --kind regression",
        ("line 2: the label column 'label' holds 'inf", "Mend it, empty it to leave the row out, or name another"),
        {"data.csv": csv(lambda n: f"good {n},{['inf', '1e400'][n % 2]}")},
    ),
    Case(
        "accuracy of numbers",
        BERT + ".csv --metric accuracy",
        ("unknown metric 'accuracy' of a task of regression", "expected one of: pearson, spearman, r2"),
        {"data.csv": SCORED},
    ),
    Case(
        "no row with labels",
        BERT + ".jsonl",
        ("of the 40 training rows has a label", "Is it the right label column?"),
        {"data.jsonl": jsonl(lambda n: {"text": f"good {n}", "label": []})},
    ),
    Case(
        "a separator of nothing",
        BERT + ".csv --label-separator ''",
        ("flags: label_separator: found '': string should have at least 1",),
        {"data.csv": CSV},
    ),
    Case(
        "several labels with an accuracy",
        BERT + ".jsonl --metric accuracy",
        ("unknown metric 'accuracy' of a task of multilabel", "expected one of: micro_f1, macro_f1, samples_f1"),
        {"data.jsonl": TOPICS},
    ),
    Case(
        "labels in labels",
        BERT + ".jsonl",
        ("line 1: the label column 'label' holds a list with a list, [[\"a\"],", "expected names of labels"),
        {"data.jsonl": jsonl(lambda n: {"text": f"good {n}", "label": [["a"], ["b"]]})},
    ),
    Case(
        "more tags than words",
        BERT + ".jsonl",
        ("line 1: found 2 in 'tokens' and 1 in 'tags", "expected one tag for each word"),
        {"data.jsonl": jsonl(lambda n: {"tokens": ["Ada", "x"], "tags": ["O"]})},
    ),
    Case(
        "tags that are one text",
        BERT + ".jsonl --kind tokens",
        ("line 1: 'tags' holds a text", "expected a list with one tag for each word"),
        {"data.jsonl": jsonl(lambda n: {"tokens": ["Ada", "x"], "tags": "O O"})},
    ),
    Case(
        "no tag but O",
        BERT + ".jsonl",
        ("has 0 usable sentences", "add sentences, or give a larger file"),
        {"data.jsonl": jsonl(lambda n: {"tokens": ["a", "b"], "tags": ["O", "O"]})},
    ),
    Case(
        "words without tags",
        BERT + ".conll",
        ("line 1: found 'Ada", "expected a word and its tag, with blanks or a tab between"),
        {"data.conll": "Ada\nlived\n\nIt\nrains\n" * 20},
    ),
    Case(
        "words that are numbers",
        BERT + ".jsonl",
        ("line 1: 'tokens': word 2 is a list", "expected text"),
        {"data.jsonl": jsonl(lambda n: {"tokens": [n, [n]], "tags": ["O", "B-x"]})},
    ),
    Case(
        "tags without a text column",
        BERT + ".jsonl --text words",
        ("has no column 'words", "for a decoder, with --prompt and --completion or"),
        {"data.jsonl": TAGGED},
    ),
    Case(
        "texts to be written by a model that cannot",
        BERT + ".jsonl",
        (
            "tiny-bert: 'bert' models do not generate text, but the data is text",
            "choose a decoder such as `--model smollm2`, or name the",
        ),
        {"data.jsonl": TALKS},
    ),
]

DECODERS = [
    Case(
        "talks without an answer",
        LLAMA + ".jsonl",
        (
            "has 40 rows, and none that can be learned from: no message of the",
            "expected conversations of column 'messages', the",
        ),
        {"data.jsonl": jsonl(lambda n: {"messages": [{"role": "user", "content": f"what of {n}"}]})},
    ),
    Case(
        "a role with a slip",
        LLAMA + ".jsonl",
        ("line 1, 'messages', message 2: found the role 'asistant", "expected one of: system, user, assistant, tool"),
        {
            "data.jsonl": jsonl(
                lambda n: {
                    "messages": [{"role": "user", "content": "what"}, {"role": "asistant", "content": f"story {n}"}]
                }
            )
        },
    ),
    Case(
        "talks that are plain text",
        LLAMA + ".jsonl --messages messages",
        ("line 1, 'messages': found a text", "texts to classify are named by --text and --label"),
        {"data.jsonl": jsonl(lambda n: {"messages": f"what of {n}"})},
    ),
    Case(
        "turns without content",
        LLAMA + ".jsonl",
        (
            "has 40 rows, and none that can be learned from: a message is empty in",
            "expected conversations of column 'messages', the",
        ),
        {"data.jsonl": jsonl(lambda n: {"messages": [{"role": "user"}, {"role": "assistant"}]})},
    ),
    Case(
        "turns that are texts",
        LLAMA + ".jsonl --messages messages",
        ("line 1, 'messages', message 1: found a text", "expected an object with 'role' and 'content"),
        {"data.jsonl": jsonl(lambda n: {"messages": ["what", f"story {n}"]})},
    ),
    Case(
        "prompts without completions",
        LLAMA + ".jsonl",
        ("has no column 'text", "for a decoder, with --prompt and --completion or"),
        {"data.jsonl": jsonl(lambda n: {"prompt": f"what of {n}"})},
    ),
    Case(
        "completions that are empty",
        LLAMA + ".jsonl",
        (
            "has 40 rows, and none that can be learned from: 'completion' is empty",
            "expected prompts of 'prompt', completions of 'completion',",
        ),
        {"data.jsonl": jsonl(lambda n: {"prompt": f"what of {n}", "completion": ""})},
    ),
    Case(
        "an answer that is no choice",
        LLAMA + ".jsonl",
        ("line 1, 'answer': found 7", "expected the text of one of the 2 choices, its index from"),
        {"data.jsonl": jsonl(lambda n: {"question": f"what {n}", "choices": ["good", "bad"], "answer": 7})},
    ),
    Case(
        "an answer in other words",
        LLAMA + ".jsonl",
        ("line 1, 'answer': found 'ugly", "expected the text of one of the 2 choices, its index from"),
        {"data.jsonl": jsonl(lambda n: {"question": f"what {n}", "choices": ["good", "bad"], "answer": "ugly"})},
    ),
    Case(
        "choices that are one text",
        LLAMA + ".jsonl",
        ("line 1, 'choices': found 'good", "expected a list of at least two choices, each a text of its"),
        {"data.jsonl": jsonl(lambda n: {"question": f"what {n}", "choices": "good", "answer": "good"})},
    ),
    Case(
        "choices measured where there are none",
        LLAMA + ".jsonl --metric choice",
        (
            "the metric choice needs questions with choices, found prompts of",
            "name the column of the choices by choices, or use another",
        ),
        {"data.jsonl": TALKS},
    ),
    Case(
        "a prompt column that is not there",
        LLAMA + ".jsonl --prompt question --completion completion",
        ("has no column 'question", "Name the columns with messages, with prompt and completion,"),
        {"data.jsonl": TALKS},
    ),
    Case(
        "a better and a worse answer as text to be written",
        LLAMA + ".jsonl --kind causal",
        (
            "the data have columns 'chosen' and 'rejected': pairs of a better and",
            "To learn the better ones alone, name them: --messages",
        ),
        {"data.jsonl": PAIRS},
    ),
    Case(
        "pairs without the column of prompts",
        LLAMA + ".jsonl --prompt question",
        ("has no column 'question'; found: prompt, chosen, rejected.", "--prompt, --chosen and --rejected"),
        {"data.jsonl": PAIRS},
    ),
    Case(
        "one column for both answers",
        LLAMA + ".jsonl --chosen answer --rejected answer",
        ("--chosen and --rejected both name the column 'answer'", "give each one of its own"),
        {"data.jsonl": PAIRS},
    ),
    Case(
        "pairs of which none says two things",
        LLAMA + ".jsonl",
        ("none that can be learned from: 'chosen' and 'rejected' say the same in 40", "expected prompts of 'prompt'"),
        {"data.jsonl": jsonl(lambda n: {"prompt": f"what {n}", "chosen": "good", "rejected": "good"})},
    ),
    Case(
        "texts beside lists of messages in pairs",
        LLAMA + ".jsonl",
        ("line 2, 'chosen': found messages, and text in the first row", "expected all answers to be texts"),
        {
            "data.jsonl": jsonl(
                lambda n: (
                    {"prompt": f"what {n}", "chosen": [{"role": "assistant", "content": "a"}] if n else "good"}
                    | {"rejected": "bad"}
                )
            )
        },
    ),
    Case(
        "a question that is not the conversations'",
        LLAMA + ".jsonl",
        ("'prompt' says another thing than the messages", "leave one of the two out"),
        {
            "data.jsonl": jsonl(
                lambda n: (
                    {"prompt": "where"}
                    | {
                        key: [{"role": "user", "content": f"what {n}"}, {"role": "assistant", "content": key}]
                        for key in ("chosen", "rejected")
                    }
                )
            )
        },
    ),
    Case(
        "pairs for a model that is no decoder",
        BERT + ".jsonl",
        ("'bert' models do not generate text", "choose a decoder such as"),
        {"data.jsonl": PAIRS},
    ),
    Case(
        "answers to write while preferences are learned",
        LLAMA + ".jsonl --generate 5",
        ("--generate is not for a task of preference, as", "leave it out"),
        {"data.jsonl": PAIRS},
    ),
    Case(
        "pairs of texts without a prompt",
        LLAMA + ".jsonl",
        (
            "has no column 'prompt'; found: chosen, rejected.",
            "only answers that are lists of messages may begin with their prompt",
        ),
        {
            "data.jsonl": jsonl(
                lambda n: {"chosen": f"Human: {n}? Assistant: yes", "rejected": f"Human: {n}? Assistant: no"}
            )
        },
    ),
    Case(
        "pairs of texts that answer messages",
        LLAMA + ".jsonl",
        (
            "line 1, 'prompt': found messages, and texts in 'chosen'; expected all of them to be texts",
            "answers as [{'role': 'assistant', 'content': ...}]",
        ),
        {
            "data.jsonl": jsonl(
                lambda n: {"prompt": [{"role": "user", "content": f"what {n}"}], "chosen": "good", "rejected": "bad"}
            )
        },
    ),
    Case(
        "a knob of preferences for another kind",
        LLAMA + ".jsonl --space beta.yaml",
        (
            "space 'beta': training.beta: how strongly",
            "it is for tasks of preference, and",
            "is one of causal: leave it out",
        ),
        {
            "data.jsonl": TALKS,
            "beta.yaml": "name: beta\nmodules: {lora: {}}\ntraining: {beta: '0.05 | 0.1'}\n",
        },
    ),
    Case(
        "cut before any answer",
        LLAMA + ".jsonl --max-length 2",
        ("cut at 2 tokens, none of the", "pairs has two different answers", "raise --max-length"),
        {"data.jsonl": PAIRS},
    ),
    Case(
        "answers written by a classifier",
        BERT + ".csv --generate 5",
        ("--generate is not for a task of classification, as", "leave it out"),
        {"data.csv": CSV},
    ),
    Case(
        "grades by a classifier",
        BERT + ".csv --grades 3",
        ("has no column 'query", "Name the columns with --query, --document and --relevance"),
        {"data.csv": CSV},
    ),
    Case(
        "a loss of ranking for a classifier",
        BERT + ".csv --loss listwise",
        ("--loss is not for a task of classification, as", "leave it out"),
        {"data.csv": CSV},
    ),
    Case(
        "texts longer than one token",
        LLAMA + ".jsonl --max-length 1",
        ("flags: max_length: found 1: input should be greater than or equal to 2",),
        {"data.jsonl": TALKS},
    ),
]


@pytest.mark.parametrize("case", KINDS + DECODERS, ids=lambda case: case.name)
def test_data_of_a_kind_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
