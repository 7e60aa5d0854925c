"""The recorded table of methods and architectures, `studies/methods/README.md`; run this file to write it anew."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import peft

__all__ = ["NOT_METHODS", "RECORDED", "YES", "quoted"]

PAGE = Path(__file__).parents[2] / "studies" / "methods" / "README.md"
YES = "yes"

#: PEFT types that cannot be put into a frozen classifier: how one would try, and what PEFT then says.
NOT_METHODS = {
    "CPT": (
        lambda: peft.CPTConfig(cpt_token_ids=[0, 1], cpt_mask=[1, 1], cpt_tokens_type_mask=[1, 1]),
        "CPTConfig only supports task_type = CAUSAL_LM",
    ),
    "XLORA": (lambda: peft.XLoraConfig(hidden_size=32, adapters={}), "use_cache|NoneType"),
}


INTRODUCTION = """\
Made by `python -m tests.methods.table` and checked by `pytest tests/methods/test_contract.py`, on tiny random models
with a classification head. `yes`: predicted cost = counted, identity at step 0 where promised, two steps change exactly
what the method owns, saved and reloaded (by autopeft and by PEFT) to the same logits, merged to the same logits where
it can be, switched off and taken out without a trace. `no`: stock PEFT 0.21.2 fails on that pair too; what it says is
below. PEFT's types CPT and XLORA are no methods here: CPT says `CPTConfig only supports task_type = CAUSAL_LM`, and
X-LoRA mixes adapters that were trained before."""


def quoted(error: Exception) -> str:
    """Return PEFT's own words out of an error, fit for a table."""
    return " ".join(str(error).partition("PEFT refuses it here: ")[2].replace("|", "/").split())


def read() -> dict[tuple[str, str], str]:
    """Return what the page says of each method and architecture."""
    if not PAGE.is_file():
        return {}
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    header = rows[0][3:]
    notes = dict(re.findall(r"^\[(\d+)\]: (.*)$", PAGE.read_text(), re.MULTILINE))
    found = {}
    for row in rows[2:]:
        for architecture, cell in zip(header, row[3:], strict=True):
            match = re.fullmatch(r"no \[(\d+)\]", cell)
            found[row[0].strip("`"), architecture] = notes[match[1]] if match else cell
    return found


RECORDED = read()


def main() -> None:
    """Try every method on every architecture and write the page."""
    from autopeft.backbones import load_backbone
    from autopeft.errors import ConfigurationError
    from autopeft.methods import METHODS, VOCABULARY
    from autopeft.space import canonical
    from autopeft.testing.methods import CHECKS
    from autopeft.testing.models import tiny_backbone
    from tests.methods.examples import EXAMPLES
    from tests.methods.test_contract import ARCHITECTURES

    notes: list[str] = []
    rows = {
        name: [f"`{name}`", METHODS[name].peft_type if not METHODS[name].ours else "ours", _traits(METHODS[name])]
        for name in EXAMPLES
    }
    for architecture in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as folder:
            backbone = load_backbone(tiny_backbone(architecture, folder))
            for name, knobs in EXAMPLES.items():
                configuration = canonical({"modules": {name: knobs}}, VOCABULARY, backbone.shape)
                try:
                    for check in CHECKS.values():
                        check(backbone, configuration, Path(folder) / name / check.__name__)
                    rows[name].append(YES)
                except ConfigurationError as error:
                    if quoted(error) not in notes:
                        notes.append(quoted(error))
                    rows[name].append(f"no [{notes.index(quoted(error)) + 1}]")
    lines = [
        "# Methods and architectures",
        "",
        *INTRODUCTION.splitlines(),
        "",
        _line(["method", "PEFT type", "traits", *ARCHITECTURES]),
        _line(["---"] * (3 + len(ARCHITECTURES))),
        *(_line(row) for row in rows.values()),
        "",
        *(f"[{index}]: {note}" for index, note in enumerate(notes, 1)),
        "",
    ]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines))


def _traits(method) -> str:
    traits = ["mergeable"] if method.mergeable else []
    traits += {"exact": ["starts exact"], "close": ["starts within rounding"], "differs": []}[method.start]
    return ", ".join(traits) or "-"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
