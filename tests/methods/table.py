"""What was found of methods and architectures, with their costs, and its page; run this file to write both anew."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import peft

__all__ = ["NOT_METHODS", "PAGE", "RECORDED", "YES", "page", "quoted"]

_ROOT = Path(__file__).parents[2]
DATA = _ROOT / "autopeft" / "methods" / "tested.json"
PAGE = _ROOT / "studies" / "methods" / "README.md"
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
    """Return what was recorded of each method and architecture."""
    data = json.loads(DATA.read_text()) if DATA.is_file() else {}
    return {
        (name, architecture): said for name, row in data.items() for architecture, said in row["architectures"].items()
    }


RECORDED = read()


def main() -> None:
    """Try every method on every architecture, count its costs; write down what was found, and the page."""
    from autopeft.backbones import load_backbone
    from autopeft.costs import Costs, typical_costs
    from autopeft.errors import ConfigurationError
    from autopeft.methods import VOCABULARY
    from autopeft.space import canonical
    from autopeft.testing.methods import CHECKS
    from autopeft.testing.models import tiny_backbone
    from tests.methods.examples import EXAMPLES
    from tests.methods.test_contract import ARCHITECTURES

    found: dict[str, dict[str, str]] = {name: {} for name in EXAMPLES}
    for architecture in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as folder:
            backbone = load_backbone(tiny_backbone(architecture, folder))
            for name, knobs in EXAMPLES.items():
                configuration = canonical({"modules": {name: knobs}}, VOCABULARY, backbone.shape)
                try:
                    for check in CHECKS.values():
                        check(backbone, configuration, Path(folder) / name / check.__name__)
                    found[name][architecture] = YES
                except ConfigurationError as error:
                    found[name][architecture] = quoted(error)
    packaged = load_backbone()
    costs = Costs(packaged)
    data = {name: {"architectures": row, "costs": typical_costs(name, costs, packaged)} for name, row in found.items()}
    DATA.write_text(json.dumps(data, indent=1) + "\n")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(found))


def page(found: dict[str, dict[str, str]]) -> str:
    """Return the recorded data as a page."""
    from autopeft.methods import METHODS

    notes = list(dict.fromkeys(said for row in found.values() for said in row.values() if said != YES))
    architectures = list(next(iter(found.values())))
    lines = [
        "# Methods and architectures",
        "",
        *INTRODUCTION.splitlines(),
        "",
        _line(["method", "PEFT type", "traits", *architectures]),
        _line(["---"] * (3 + len(architectures))),
    ]
    for name, row in found.items():
        method = METHODS[name]
        cells = [said if said == YES else f"no ({notes.index(said) + 1})" for said in row.values()]
        lines.append(_line([f"`{name}`", "ours" if method.ours else method.peft_type, _traits(method), *cells]))
    return "\n".join([*lines, "", *(f"{index}. {note}" for index, note in enumerate(notes, 1)), ""])


def _traits(method) -> str:
    traits = ["mergeable"] if method.mergeable else []
    traits += {"exact": ["starts exact"], "close": ["starts within rounding"], "differs": []}[method.start]
    return ", ".join(traits) or "-"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
