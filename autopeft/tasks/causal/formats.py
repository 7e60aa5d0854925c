"""The forms that data for causal language models comes in, told apart by their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autopeft.tasks.spec import TaskSpec

__all__ = ["FORMATS", "Format", "recognise"]


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
    """

    name: str
    columns: tuple[str, ...]
    optional: str | None = None
    before: str = "{}"
    between: str = ""

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
        prompt = ", ".join(f"'{column}'" for column in (*self.columns[:-1], self.optional) if column)
        return f"prompts of {prompt}, completions of '{self.columns[-1]}', which are learned"


#: The forms, in the order in which they are looked for. What is written around prompts follows Alpaca's examples
#: and, for questions, lm-evaluation-harness's.
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
    Format("text", ("text",)),
)

_BY_NAME = {form.name: form for form in FORMATS}


def recognise(spec: TaskSpec, columns: Sequence[str]) -> Format | None:
    """Tell what form data has.

    Args:
        spec: What the user says of it; columns that are named there go before columns that are found.
        columns: The columns it has.

    Returns:
        The form, or None for data of a classification task.
    """
    if spec.kind == "classification":
        return None
    if spec.messages:
        return replace(_BY_NAME["messages"], columns=(spec.messages,))
    if spec.choices:
        named = (spec.prompt or "question", spec.choices, spec.completion or "answer")
        return replace(_BY_NAME["choices"], columns=named)
    if spec.prompt or spec.completion:
        return replace(_BY_NAME["prompt"], columns=(spec.prompt or "prompt", spec.completion or "completion"))
    if spec.kind == "causal" and spec.text:
        return replace(_BY_NAME["text"], columns=(spec.text,))
    if spec.kind is None and (spec.text or spec.text2 or spec.label or "label" in columns):
        return None
    # A text beside other columns may be one to classify, whose label has another name.
    alone = spec.kind == "causal" or len(columns) == 1
    return next((form for form in FORMATS if set(form.columns) <= set(columns) and (alone or not form.plain)), None)
