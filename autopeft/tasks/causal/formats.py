"""The forms that data for causal language models comes in, told apart by their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autopeft.errors import DataError
from autopeft.tasks.spec import TaskSpec

__all__ = ["CONVERSATIONS", "FORMATS", "HISTORY", "PAIRED", "SYSTEM", "TESTS", "TOOLS_COLUMN", "Format", "recognise"]

#: Columns that conversations are found in.
CONVERSATIONS = ("messages", "conversations", "conversation")

#: Columns that belong to an example where they are: what the system says, turns before, functions to call.
SYSTEM, HISTORY, TOOLS_COLUMN = "system", "history", "tools"

#: The column of the tests that a program has to pass, which its prompt shows.
TESTS = "test_list"

_BESIDE = {"messages": (SYSTEM, TOOLS_COLUMN), "instruction": (SYSTEM, HISTORY), "pair": (SYSTEM,)}


@dataclass(frozen=True)
class Format:
    """One form of examples.

    Args:
        name: Its name.
        columns: The columns it needs: one for `messages` and `text`, else those of the prompt, then the completion's,
            with the choices' between them for `choices`.
        optional: A further column of the prompt, left out where an example has nothing there.
        before: What is written around the prompt of a model without a chat template.
        between: What such a model reads between prompt and completion, as part of the completion.

    Raises:
        ValueError: When there are no columns, or `before` has no place for the prompt.
    """

    name: str
    columns: tuple[str, ...]
    optional: str | None = None
    before: str = "{}"
    between: str = ""

    def __post_init__(self) -> None:
        if self.before.count("{}") != 1 or set(self.before.replace("{}", "")) & set("{}"):
            raise ValueError("expected one {} in `before`, and no other braces")
        if not 1 <= len(self.columns) <= 3:
            raise ValueError("expected one to three columns")

    @property
    def conversation(self) -> bool:
        """Whether examples are lists of messages."""
        return self.name == "messages"

    @property
    def plain(self) -> bool:
        """Whether all of an example is learned, as it stands."""
        return self.name == "text"

    @property
    def choices(self) -> str | None:
        """The column of the choices, of which the right one is learned; None where there are none."""
        return self.columns[1] if self.name == "choices" else None

    @property
    def tests(self) -> str | None:
        """The column of tests that prompts show; None where there is none."""
        return TESTS if self.name == "problem" else None

    @property
    def known_by(self) -> tuple[str, ...]:
        """The columns that data of this form has."""
        return (*self.columns, *filter(None, [self.tests]))

    @property
    def asking(self) -> tuple[str, ...]:
        """The columns that rows need to be answered: those of what is answered are not among them."""
        return self.columns if self.conversation or self.plain else self.columns[:-1]

    @property
    def beside(self) -> tuple[str, ...]:
        """Columns that belong to an example where they are."""
        return tuple(column for column in _BESIDE.get(self.name, ()) if column not in self.columns)

    @property
    def reads(self) -> tuple[str, ...]:
        """Every column that is read where it is there."""
        return (*self.columns, *filter(None, (self.optional, self.tests)), *self.beside)

    def describe(self) -> str:
        """Say which columns are read and what is learned."""
        if self.plain:
            return f"plain text of column '{self.columns[0]}', all of it learned"
        if self.conversation:
            return f"conversations of column '{self.columns[0]}', the assistant's turns learned"
        if self.choices:
            question, choices, answer = self.columns
            return (
                f"questions of '{question}' with the choices of '{choices}'; the right one, by '{answer}', is learned"
            )
        prompt = ", ".join(f"'{column}'" for column in (*self.columns[:-1], self.optional, self.tests) if column)
        return f"prompts of {prompt}, completions of '{self.columns[-1]}', which are learned"


_PROBLEM = "You are an expert Python programmer, and here is your task: {}\n[BEGIN]\n"

#: The forms. What is written around prompts follows Alpaca's examples, for questions lm-evaluation-harness's, and for
#: problems to be programmed those of MBPP (Austin et al. 2021, arXiv:2108.07732).
FORMATS = (
    Format("messages", ("messages",)),
    Format("prompt", ("prompt", "completion")),
    Format(
        "instruction",
        ("instruction", "output"),
        optional="input",
        before="### Instruction:\n{}\n\n### Response:\n",
    ),
    Format("choices", ("question", "choices", "answer"), before="Question: {}\nAnswer:", between=" "),
    Format("question", ("question", "answer"), before="Question: {}\nAnswer:", between=" "),
    Format("problem", ("text", "code"), before=_PROBLEM),
    Format("problem", ("prompt", "code"), before=_PROBLEM),
    Format("text", ("text",)),
)

_BY_NAME = {form.name: form for form in FORMATS}

#: Columns of pairs of a better and a worse answer.
PAIRED = frozenset({"chosen", "rejected"})

_CHOOSE = (
    "say which is meant with --messages COLUMN, or --prompt COLUMN and --completion COLUMN, or leave the other columns "
    "out of the file"
)


def recognise(spec: TaskSpec, columns: Sequence[str]) -> Format | None:
    """Tell what form data has.

    Args:
        spec: What the user says of it; columns that are named there go before columns that are found.
        columns: The columns it has.

    Returns:
        The form, or None for data of another kind.

    Raises:
        DataError: When the columns fit several forms, or hold pairs of answers of which one is worse.
    """
    if spec.kind is None and set(columns) >= PAIRED and not (spec.messages or spec.choices or spec.completion):
        return None
    named = _named(spec)
    if named is not None:
        return named
    if spec.kind is None and (spec.text or spec.text2 or spec.label or {"text", "label"} <= set(columns)):
        return None
    if spec.kind is not None and set(columns) >= PAIRED:
        raise DataError(
            f"the data have columns 'chosen' and 'rejected': pairs of a better and a worse answer, which --kind "
            f"{spec.kind} does not tell apart; leave it out to learn from both. To learn the better ones alone, name "
            "them: --messages chosen where they are conversations, else --prompt COLUMN --completion chosen"
        )
    fitting = [replace(_BY_NAME["messages"], columns=(column,)) for column in CONVERSATIONS if column in columns]
    fitting += [form for form in FORMATS[1:-1] if set(form.known_by) <= set(columns)]
    if any(form.choices for form in fitting):
        # A question with choices is a question too.
        fitting = [form for form in fitting if form.name != "question"]
    if len(fitting) > 1:
        raise DataError(
            f"the columns of the data fit several forms: {'; '.join(form.describe() for form in fitting)}. {_CHOOSE}"
        )
    if fitting and spec.kind is None and "label" in columns:
        raise DataError(
            f"the data may be {fitting[0].describe()}, or texts to classify by 'label': give --kind causal for the "
            "first, or --text COLUMN for the second. Labels that say whether an answer is right are neither: keep the "
            "rows whose answers are to be learned, without that column"
        )
    if fitting:
        return fitting[0]
    # A text beside other columns may be one to classify, whose label has another name.
    alone = spec.kind == "causal" or len(columns) == 1
    return _BY_NAME["text"] if "text" in columns and alone else None


def _named(spec: TaskSpec) -> Format | None:
    """Return the form of the columns that the user names."""
    if spec.messages:
        return replace(_BY_NAME["messages"], columns=(spec.messages,))
    if spec.choices:
        named = (spec.prompt or "question", spec.choices, spec.completion or "answer")
        return replace(_BY_NAME["choices"], columns=named)
    if spec.prompt or spec.completion:
        return replace(_BY_NAME["prompt"], columns=(spec.prompt or "prompt", spec.completion or "completion"))
    if spec.kind == "causal" and spec.text:
        return replace(_BY_NAME["text"], columns=(spec.text,))
    return None
