"""Data that is not of the kind of task it is taken for, or has a fault of its kind."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV, SCORED, TAGGED, TALKS, TOPICS, beir, csv, jsonl

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
        "a better and a worse answer",
        LLAMA + ".jsonl",
        (
            "the data have columns 'chosen' and 'rejected': pairs of a better and",
            "To learn the better ones alone, name them: --messages",
        ),
        {"data.jsonl": jsonl(lambda n: {"prompt": f"what {n}", "chosen": "good", "rejected": "bad"})},
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

RANKING = [
    Case(
        "judgements left out",
        BERT + " --kind rerank",
        ("has a corpus and queries, but no judgements to train on: expected",),
        beir(qrels=""),
    ),
    Case(
        "documents left out",
        BERT + " --kind rerank",
        (
            "has files called after a split, and others: queries.jsonl",
            "name the files themselves, with --data, --validation and",
        ),
        beir(corpus=""),
    ),
    Case(
        "documents without a name",
        BERT + " --kind rerank",
        ("holds no corpus", "expected rows with _id and title and text"),
        beir(corpus=jsonl(lambda n: {"text": f"story {n}"})),
    ),
    Case(
        "two documents of one name",
        BERT + " --kind rerank",
        ("line 2: the _id 'd' stands in line 1 already", "give each its own"),
        beir(corpus=jsonl(lambda n: {"_id": "d", "text": f"story {n}"})),
    ),
    Case(
        "judgements of other documents",
        BERT + " --kind rerank",
        ("line 2: found 'x0', which no row of corpus.jsonl has as _id",),
        beir(qrels="query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\tx{n}\t1\n" for n in range(40))),
    ),
    Case(
        "judgements in words",
        BERT + " --kind rerank",
        ("line 2: found the score 'yes", "expected three cells between tabs, query-id, corpus-id and"),
        beir(qrels="query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\tyes\n" for n in range(40))),
    ),
    Case(
        "nothing that is relevant",
        BERT + " --kind rerank",
        ("has 0 usable queries with relevant documents", "add judgements, or give a larger file"),
        beir(qrels="query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\t0\n" for n in range(40))),
    ),
    Case(
        "one candidate",
        BERT + " --kind rerank --candidates 1",
        ("flags: candidates: found 1: input should be greater than or equal to 2",),
        beir(),
    ),
    Case(
        "grades by an encoder",
        BERT + " --kind rerank --grades 3",
        ("--grades is for decoders, and tiny-bert is none; leave it out, or name one by --model",),
        beir(),
    ),
    Case(
        "a set that holds fewer documents than are ranked",
        LLAMA + " --kind rerank --set-size 12",
        ("--set-size is 12, but 20 documents are ranked for a query of test", "or fewer --candidates: 6"),
        beir(),
    ),
    Case(
        "sets of one",
        LLAMA + " --kind rerank --set-size 1",
        ("flags: set_size: found 1: input should be greater than or equal to 2",),
        beir(),
    ),
    Case(
        "grades of sets",
        LLAMA + " --kind rerank --set-size 20 --grades 3",
        ("--grades are of documents alone, and --set-size shows several at once", "leave one of them out"),
        beir(),
    ),
    Case(
        "a loss that is none",
        BERT + " --kind rerank --loss hinge",
        ("flags: loss: found 'hinge': input should be 'pointwise', 'pairwise'",),
        beir(),
    ),
    Case(
        "a metric with another depth",
        BERT + " --kind rerank --metric ndcg@5",
        ("unknown metric 'ndcg@5' of a task of rerank", "expected one of: ndcg@10, mrr@10, map"),
        beir(),
    ),
    Case(
        "pooling that is none",
        BERT + " --kind retrieve --pooling max",
        ("flags: pooling: found 'max': input should be 'mean', 'first' or 'last",),
        beir(),
    ),
    Case(
        "candidates of what searches all",
        BERT + " --kind retrieve --candidates 5",
        ("--candidates is not for a task of retrieve", "leave it out"),
        beir(),
    ),
    Case(
        "relevance in words",
        BERT + ".jsonl --kind retrieve",
        ("line 1: the relevance is 'high", "expected a whole number of -1,000 to 1,000, 0 for a"),
        {"data.jsonl": jsonl(lambda n: {"query": f"what {n}", "document": f"story {n}", "relevance": "high"})},
    ),
    Case(
        "a query column that is not there",
        BERT + ".jsonl --kind rerank --query asked",
        ("has no column 'asked", "Name the columns with --query, --document and --relevance"),
        {"data.jsonl": jsonl(lambda n: {"query": f"what {n}", "document": f"story {n}", "relevance": 1})},
    ),
]


@pytest.mark.parametrize("case", KINDS + DECODERS + RANKING, ids=lambda case: case.name)
def test_data_of_a_kind_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
