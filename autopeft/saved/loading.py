"""The code on a card: it loads what the folder holds and lets it read two texts, as it stands."""

from __future__ import annotations

from pathlib import Path

from peft import PeftType

from autopeft.backbones import Backbone
from autopeft.methods.builder import plan
from autopeft.methods.prompts import PromptMethod
from autopeft.methods.storage import HEAD
from autopeft.saved.companions import ROLES_FILE, plugin_files
from autopeft.saved.use import answer_tokens
from autopeft.space import Configuration
from autopeft.tasks import CausalTask, Task
from autopeft.tasks.causal import stop_strings

__all__ = ["loading_code", "merged_code", "trusting"]

_TEXTS = '["A short text.", "Another text, which is a little longer than the first one."]'


def loading_code(
    configuration: Configuration, backbone: Backbone, task: Task | CausalTask, max_length: int, *, full: bool = False
) -> str:
    """Return Python code that loads what was trained and uses it, to be run in its folder.

    Args:
        configuration: What was trained.
        backbone: On what.
        task: For what.
        max_length: Where texts are cut.
        full: Whether the folder holds a whole model, after full fine-tuning.
    """
    imports = {"import torch"}
    lines = _model(configuration, backbone, task, imports, full)
    alone = not full and any(isinstance(part.method, PromptMethod) for part in plan(configuration, stored=True))
    use = _answering(backbone, task, alone) if isinstance(task, CausalTask) else _classifying(task, max_length, alone)
    imports.add(f"from transformers import {', '.join(sorted(_TRANSFORMERS & _names([*lines, *use])))}")
    plain = sorted(line for line in imports if line.startswith("import"))
    named = sorted((line for line in imports if line.startswith("from")), key=str.lower)
    ours = _ours(configuration)
    return "\n".join([*plain, *named, *ours, "", *lines, "", *use])


def merged_code(backbone: Backbone, task: Task | CausalTask, max_length: int) -> str:
    """Return Python code that uses a merged model by a pipeline, to be run in its folder; arguments likewise."""
    trust = trusting(backbone)
    if isinstance(task, CausalTask):
        tokens = answer_tokens(task, backbone.tokenizer())
        return "\n".join(
            [
                "from transformers import pipeline",
                "",
                f'generate = pipeline("text-generation", model="."{trust})',
                f"prompts = {_prompts(backbone, task)}",
                f"for [answer] in generate(prompts, max_new_tokens={tokens}, return_full_text=False):",
                '    print(answer["generated_text"])',
            ]
        )
    texts = '[{"text": text, "text_pair": "What it is compared with."} for text in texts]' if task.pair else "texts"
    return "\n".join(
        [
            "from transformers import pipeline",
            "",
            f'classify = pipeline("text-classification", model="."{trust})',
            f"texts = {_TEXTS}",
            f"for found in classify({texts}, truncation=True, max_length={max_length}):",
            '    print(found["label"], found["score"])',
        ]
    )


_ALONE = [
    "# One at a time: PEFT's prompts stand before the padding of short texts, where they would be read otherwise.",
]

_TRANSFORMERS = {
    "AutoConfig",
    "AutoModelForCausalLM",
    "AutoModelForSequenceClassification",
    "AutoTokenizer",
    "BitsAndBytesConfig",
    "GenerationConfig",
}


def _names(lines: list[str]) -> set[str]:
    return {name for name in _TRANSFORMERS if any(f"{name}." in line or f"{name}(" in line for line in lines)}


def _ours(configuration: Configuration) -> list[str]:
    """Return the lines that make methods known which PEFT lacks."""
    lines = [
        line
        for file in plugin_files(configuration)
        for line in ("", f"load_plugin(Path({file.name!r}))  # the method is from this file")
    ]
    return ["from pathlib import Path", "", "from autopeft.methods import load_plugin", *lines] if lines else []


def _model(
    configuration: Configuration, backbone: Backbone, task: Task | CausalTask, imports: set[str], full: bool
) -> list[str]:
    """Return the lines that load tokenizer and model."""
    parts = plan(configuration, stored=True)
    here = f'"."{trusting(backbone)}'
    lines = [f"config = AutoConfig.from_pretrained({here})", f"tokenizer = AutoTokenizer.from_pretrained({here})"]
    kind = "AutoModelForCausalLM" if isinstance(task, CausalTask) else "AutoModelForSequenceClassification"
    if full:
        return [*lines, f"model = {kind}.from_pretrained({here}).eval()"]
    if len(parts) > 1:
        return [*lines, *_of_several(backbone, task, imports)]
    given = f"{_base(backbone)}, config=config, dtype=torch.float32{_how(backbone)}"
    lines.append(f"model = {kind}.from_pretrained({given})")
    if not parts:
        imports.add("from safetensors.torch import load_file")
        return [*lines, f'model.load_state_dict(load_file("{HEAD}"), strict=False)', "model.eval()"]
    imports.add("from peft import PeftModel")
    if parts[0].method.peft_config(parts[0].cells, backbone.anatomy).peft_type not in set(PeftType):
        imports.add("import autopeft  # makes the method known to PEFT")
    return [*lines, 'model = PeftModel.from_pretrained(model, ".").eval()']


def _of_several(backbone: Backbone, task: Task | CausalTask, imports: set[str]) -> list[str]:
    """Return the lines that load several methods, of which PEFT alone would load one."""
    load, make = ("load_decoder", "language_model()")
    if isinstance(task, Task):
        load, make = "load_backbone", f"classifier({len(task.labels)})"
    imports |= {f"from autopeft.backbones import {load}", "from autopeft.methods import load"}
    given = [repr(_path(backbone))]
    if backbone.revision:
        given.append(f"revision={backbone.revision!r}")
    if backbone.roles is not None:
        imports.add("from pathlib import Path")
        given.append(f"roles=Path({ROLES_FILE!r})")
    if backbone.quantization:
        given.append(f"quantization={backbone.quantization!r}")
    if backbone.runs_own_code:
        given.append("trust_remote_code=True")
    return [f"backbone = {load}({', '.join(given)})", f"model = backbone.{make}", 'load(".", model, backbone.anatomy)']


def _path(backbone: Backbone) -> str:
    """Return where the backbone is, from whatever folder one looks."""
    path = Path(backbone.path)
    return str(path.resolve()) if path.is_dir() else backbone.path


def _base(backbone: Backbone) -> str:
    return repr(_path(backbone)) + (f", revision={backbone.revision!r}" if backbone.revision else "")


def trusting(backbone: Backbone) -> str:
    """Return what lets code run that the model brings."""
    return ", trust_remote_code=True" if backbone.runs_own_code else ""


def _how(backbone: Backbone) -> str:
    """Return what else loading the backbone takes."""
    keys = ", ".join(f"{name}={value!r}" for name, value in backbone.quantization_keys.items())
    return trusting(backbone) + (f", quantization_config=BitsAndBytesConfig({keys})" if keys else "")


def _classifying(task: Task, max_length: int, alone: bool) -> list[str]:
    """Return the lines that tell the labels of two texts."""
    other = '"What it is compared with."'
    cut = f"truncation=True, max_length={max_length}"
    if alone:
        given = f"text, {other}" if task.pair else "text"
        read = [
            *_ALONE,
            "with torch.inference_mode():",
            f'    each = [tokenizer({given}, {cut}, return_tensors="pt") for text in texts]',
            "    logits = torch.cat([model(**inputs).logits for inputs in each])",
        ]
    else:
        given = f"texts, [{other}] * len(texts)" if task.pair else "texts"
        read = [
            f'inputs = tokenizer({given}, {cut}, padding=True, return_tensors="pt")',
            "with torch.inference_mode():",
            "    logits = model(**inputs).logits",
        ]
    return [
        f"texts = {_TEXTS}",
        *read,
        "for text, probabilities in zip(texts, logits.softmax(dim=-1)):",
        "    best = int(probabilities.argmax())",
        "    print(text, config.id2label[best], float(probabilities[best]))",
    ]


def _prompts(backbone: Backbone, task: CausalTask) -> str:
    """Return two prompts as Python: messages where the chat template writes them, else as the data's form has it."""
    asked = ("What is this?", "What is this, and what may it be good for?")
    if task.form.plain:
        return _TEXTS
    if getattr(backbone.tokenizer(), "chat_template", None):
        return repr([[{"role": "user", "content": text}] for text in asked])
    return repr([task.form.before.format(text).rstrip(" \t") for text in asked])


def _answering(backbone: Backbone, task: CausalTask, alone: bool) -> list[str]:
    """Return the lines that let a decoder go on with two prompts."""
    prompts = _prompts(backbone, task)
    tokenizer = backbone.tokenizer()
    stops = "".join(f".partition({stop!r})[0]" for stop in stop_strings(task.form, tokenizer))
    how = f"**inputs, generation_config=how, max_new_tokens={answer_tokens(task, tokenizer)}"
    begin = [f"prompts = {prompts}", 'how = GenerationConfig.from_pretrained(".")']
    if alone:
        return [
            *begin,
            *_ALONE,
            "for prompt in prompts:",
            *(f"    {line}" for line in _reading("prompt", prompts, "")),
            "    with torch.inference_mode():",
            f"        written = model.generate({how})",
            '    answer = tokenizer.decode(written[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)',
            f"    print(answer{stops})",
        ]
    return [
        *begin,
        "# Short prompts are filled on the left, so that all answers begin at the same place.",
        'tokenizer.padding_side = "left"',
        *_reading("prompts", prompts, "padding=True, "),
        "with torch.inference_mode():",
        f"    written = model.generate({how})",
        'for answer in tokenizer.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True):',
        f"    print(answer{stops})",
    ]


def _reading(name: str, prompts: str, padding: str) -> list[str]:
    """Return the lines that tokenise prompts: by the chat template where they are messages."""
    if prompts.startswith("[["):
        how = f'add_generation_prompt=True, {padding}return_dict=True, return_tensors="pt"'
        return ["inputs = tokenizer.apply_chat_template(", f"    {name}, {how}", ")"]
    return [f'inputs = tokenizer({name}, {padding}return_tensors="pt")']
