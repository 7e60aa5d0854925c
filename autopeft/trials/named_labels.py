"""What kinds have in common whose head has one output for each of some names."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from transformers import PretrainedConfig

from autopeft.errors import ConfigurationError
from autopeft.tasks import Task
from autopeft.trials.kind import TrialKind

__all__ = ["NamedLabels"]

#: Fewer examples of a label rank configurations badly.
_LEAST_PER_LABEL = 20


class NamedLabels(TrialKind):
    """Labels by name, in the order of the outputs.

    Attributes:
        called: What the labels are called.
    """

    called: ClassVar[str] = "labels"
    schema: Any

    @property
    def outputs(self) -> int:
        """How many there are."""
        return len(self.schema.labels)

    def least_examples(self, task: Task) -> int:
        """Return how many training examples a trial needs for all of them."""
        return _LEAST_PER_LABEL * self.outputs

    def configure(self, config: PretrainedConfig) -> None:
        """Write their names."""
        super().configure(config)
        config.num_labels = self.outputs
        config.id2label = dict(enumerate(self.schema.labels))
        config.label2id = {label: number for number, label in enumerate(self.schema.labels)}

    def check_whole(self, config: PretrainedConfig) -> None:
        """Check that there are as many as there were."""
        if config.num_labels != self.outputs:
            raise ConfigurationError(f"it tells {config.num_labels} {self.called}, but {self.outputs} are named")

    def card_sections(self) -> list[str]:
        """List them as JSON, one a line: whatever is in a name, it stays on its line and is no markup."""
        lines = ",\n".join(f"  {json.dumps(label, ensure_ascii=False)}" for label in self.schema.labels)
        return [f"## {self.called.capitalize()}", f"```json\n[\n{lines}\n]\n```"]
