"""The model card of what was trained: what it is, what it reaches, how to load it."""

from __future__ import annotations

from pathlib import Path

import yaml
from peft import PeftType

from autopeft.backbones import Backbone
from autopeft.methods.builder import plan
from autopeft.space import Configuration
from autopeft.tasks import CausalTask, Task
from autopeft.training.fine_tune import FineTuned
from autopeft.trials import TrialSetting

__all__ = ["write_card"]


def write_card(
    configuration: Configuration,
    backbone: Backbone,
    task: Task | CausalTask,
    setting: TrialSetting,
    seed: int,
    found: FineTuned,
    folder: Path,
) -> None:
    """Write `README.md` into a folder of trained adapters; arguments as `fine_tune` took and gave them."""
    # A local folder would be a broken link on the hub.
    base = {} if Path(backbone.path).is_dir() else {"base_model": backbone.path}
    head = {**base, "library_name": "peft", "tags": ["autopeft", *configuration.modules], "metrics": [task.metric]}
    causal = isinstance(task, CausalTask)
    alone = "Nothing is trained." if causal else "Only the task head is trained."
    uncounted = "" if causal else "; the task head not counted"
    names = list(found.validation)
    rows = [
        f"| {split} | {' | '.join(f'{figures[name]:.4f}' for name in names)} |"
        for split, figures in (("validation", found.validation), ("test", found.test))
    ]
    text = f"""---
{yaml.safe_dump(head, sort_keys=False).strip()}
---

# {backbone.name} on {task.name}

{configuration.describe() if configuration.modules else alone}

{found.params:,} trainable parameters ({found.params / backbone.num_parameters:.2g} of the backbone{uncounted}), trained
on {len(task.train):,} examples for {setting.epochs:g} epochs in batches of {setting.batch_size}, seed {seed}. Of
{found.steps:,} steps the state after {found.best_step:,} was the best on validation.

| split | {" | ".join(names)} |
| --- |{" --- |" * len(names)}
{chr(10).join(rows)}

Validation chose among states of this training; test did not.

## Load it

```python
{_loading(configuration, backbone, task)}
```

## Configuration

```yaml
{yaml.safe_dump(configuration.to_dict(), sort_keys=False).strip()}
```
"""
    (folder / "README.md").write_text(text, encoding="utf8")


def _loading(configuration: Configuration, backbone: Backbone, task: Task | CausalTask) -> str:
    """Return code that loads the adapters: by PEFT where they are one config."""
    kind = "AutoModelForCausalLM" if isinstance(task, CausalTask) else "AutoModelForSequenceClassification"
    labels = f", num_labels={len(task.labels)}" if isinstance(task, Task) else ""
    base = f"from_pretrained({str(backbone.path)!r}{labels})"
    parts = plan(configuration, stored=True)
    if len(parts) != 1:
        load, model = (
            ("load_decoder", "language_model()")
            if isinstance(task, CausalTask)
            else ("load_backbone", f"classifier({len(task.labels)})")
        )
        return (
            f"from autopeft.backbones import {load}\nfrom autopeft.methods import load\n\n"
            f'backbone = {load}({str(backbone.path)!r})\nmodel = backbone.{model}\nload(".", model, backbone.anatomy)'
        )
    config = parts[0].method.peft_config(parts[0].cells, backbone.anatomy)
    own = "" if config.peft_type in set(PeftType) else "import autopeft  # enters the method in PEFT\n"
    return (
        f"{own}from peft import PeftModel\nfrom transformers import {kind}\n\n"
        f'model = PeftModel.from_pretrained({kind}.{base}, ".")'
    )
