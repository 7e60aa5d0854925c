"""The grammar of constraints: text such as `lora.alpha <= 2 * lora.rank` becomes a small tree.

    condition  = either ["=>" condition]
    either     = both ("or" both)*
    both       = negation ("and" negation)*
    negation   = "not" negation | comparison
    comparison = sum [("<=" | "<" | ">=" | ">" | "==" | "!=") sum]
    sum        = product (("+" | "-") product)*
    product    = factor (("*" | "/") factor)*
    factor     = "-" factor | number | size | method | word | knob [place] | "(" condition ")"
    place      = "of" role ["in" "layer" layer] | "of" "layer" layer

`params <= 1%` stands alone: it is a budget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import isinf

from autopeft.space.constraint_tree import (
    Arithmetic,
    Budget,
    Comparison,
    KnobOf,
    Logic,
    Name,
    Node,
    Not,
    Number,
    Present,
    Size,
    Word,
    walk,
)
from autopeft.space.grammar import GrammarError

__all__ = ["parse_constraint"]


_CONDITIONS = (Comparison, Present, Not, Logic)
_SCALE = {"": 1.0, "%": 0.01, "k": 1e3, "m": 1e6, "b": 1e9, "d": 1.0, "f": 1.0}
_MIRRORED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)(?P<unit>\s*%|[kKmMbBdf](?!\w))?"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)"
    r"|(?P<quoted>'[^']*'|\"[^\"]*\")"
    r"|(?P<sign>=>|<=|>=|==|!=|[<>=+\-*/()]))"
)
_LONGEST = 200
_RESERVED = ("and", "or", "not", "of", "in", "layer")


def parse_constraint(text: str) -> Node:
    """Read a constraint.

    Raises:
        GrammarError: Saying what was expected.
    """
    try:
        parser = _Parser(text)
        found = parser.condition()
        parser.end()
    except RecursionError:
        raise GrammarError("a constraint that is less deeply nested") from None
    return _budget(found) or _truth(found)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0
        if len(self.tokens) > _LONGEST:
            raise GrammarError(f"at most {_LONGEST} words and signs; write several constraints")

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, *words: str) -> str | None:
        if self.peek() in words:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise GrammarError(f"nothing, `and`, `or` or `=>` {self.before()}")

    def condition(self) -> Node:
        left = self.joined(self.both, "or")
        if self.take("=>"):
            return Logic("=>", _truth(left), _truth(self.condition()))
        return left

    def both(self) -> Node:
        return self.joined(self.negation, "and")

    def joined(self, part: Callable[[], Node], sign: str) -> Node:
        left = part()
        while self.take(sign):
            left = Logic(sign, _truth(left), _truth(part()))
        return left

    def negation(self) -> Node:
        return Not(_truth(self.negation())) if self.take("not") else self.comparison()

    def comparison(self) -> Node:
        left = self.sum()
        sign = self.take("<=", "<", ">=", ">", "==", "=", "!=")
        if sign is None:
            return left
        return Comparison("==" if sign == "=" else sign, _amount(left), _amount(self.sum()))

    def sum(self) -> Node:
        return self.reckoned(self.product, "+", "-")

    def product(self) -> Node:
        return self.reckoned(self.factor, "*", "/")

    def reckoned(self, part: Callable[[], Node], *signs: str) -> Node:
        left = part()
        while sign := self.take(*signs):
            left = Arithmetic(sign, _amount(left), _amount(part()))
        return left

    def factor(self) -> Node:
        if self.take("-"):
            return Arithmetic("-", Number(0.0, "0"), _amount(self.factor()))
        if self.take("("):
            inner = self.condition()
            if not self.take(")"):
                raise GrammarError(f"`)` {self.before()}")
            return inner
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind not in ("number", "name", "quoted") or text in _RESERVED:
            raise GrammarError(f"a method, a knob such as `lora.rank` or a number {self.before()}")
        self.at += 1
        if kind == "number":
            return _number(text)
        if kind == "quoted":
            return Word(text[1:-1])
        return self.knob(text) if "." in text else Name(text)

    def knob(self, text: str) -> Node:
        method, knob = text.split(".")
        role = layer = None
        if self.take("of"):
            if self.take("layer"):
                layer = self.layer()
            else:
                role = self.role()
                if self.take("in"):
                    if not self.take("layer"):
                        raise GrammarError(f"`layer` {self.before()}")
                    layer = self.layer()
        return KnobOf(method, knob, role, layer)

    def role(self) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind != "name" or text in _RESERVED:
            raise GrammarError(f"a role such as `q`, or `layer 3`, {self.before()}")
        self.at += 1
        return text

    def layer(self) -> int:
        if not self.peek().isdecimal():
            raise GrammarError(f"the number of a layer {self.before()}")
        self.at += 1
        return int(self.tokens[self.at - 1][1])

    def before(self) -> str:
        return f"before {self.peek()!r}" if self.peek() else "at the end"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise GrammarError(f"a method, a knob, a number or a sign where {text[at:].strip()[:12]!r} begins")
        kind = next(name for name in ("number", "name", "quoted", "sign") if match[name])
        yield kind, match[0].strip()
        at = match.end()
    if not text:
        raise GrammarError("a constraint such as `params <= 1%`")


def _number(text: str) -> Node:
    unit = text[-1].lower() if text[-1].isalpha() or text[-1] == "%" else ""
    plain = float(text[: -len(unit)] if unit else text)
    if isinf(plain):
        raise GrammarError(f"a number that is not as large as {text}")
    if unit in ("d", "f"):
        return Arithmetic("*", Number(plain, f"{plain:g}"), Size(unit))
    return Number(plain * _SCALE[unit], text)


def _truth(node: Node) -> Node:
    if isinstance(node, Name):
        return Present(node.text)
    if isinstance(node, _CONDITIONS):
        return node
    shown = f"`{node.method}.{node.knob}`" if isinstance(node, KnobOf) else "a value"
    raise GrammarError(f"a comparison or a method; {shown} by itself is neither true nor false")


def _amount(node: Node) -> Node:
    if isinstance(node, _CONDITIONS):
        raise GrammarError("a number, a knob or a word on each side of a sign; chain comparisons by `and`")
    if isinstance(node, Name):
        return Size(node.text) if node.text in ("d", "f") else Word(node.text)
    return node


def _budget(node: Node) -> Budget | None:
    """Return the budget that a constraint is, or None; `params` anywhere else is refused."""
    if isinstance(node, Comparison) and Word("params") in (node.left, node.right):
        sign, limit = node.sign, node.right
        if node.right == Word("params"):
            sign, limit = _MIRRORED.get(sign, sign), node.left
        if sign in ("<=", "<") and isinstance(limit, Number):
            highest = 1.0 if "%" in limit.text else float("inf")
            lowest = 0.0 if "%" in limit.text or sign == "<=" else 1.0
            if lowest < limit.value <= highest:
                return Budget(sign, limit)
        raise GrammarError("an upper limit on the trainable parameters such as `params <= 1%` or `params < 300k`")
    if any(part in (Word("params"), Present("params"), Name("params")) for part in walk(node)):
        raise GrammarError("`params <= 1%` as a constraint of its own")
    return None
