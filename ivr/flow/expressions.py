"""The small language of `when:` and of `= ...` values: comparisons, and/or/not, in, + - * / on numbers, a few functions.

Variables are text. `==` compares text with text, and numbers where one side is a number (`tier == 3`). `<` and its kin compare numbers
when both sides read as numbers, else text; sides that cannot be compared give false. Empty text, "0" and "false" count as false.
Numbers are decimal. Length, size and the magnitude of numbers are bounded, and there is no attribute, index, power or format:
an expression always ends at once.
"""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

MAX_LENGTH = 500
MAX_NODES = 100
MAX_NUMBER = Decimal(10) ** 18

Value = str | Decimal | bool | tuple[Any, ...]
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")


class BadExpression(ValueError):
    """The text is no expression of this language; the message is a sentence."""


class CannotEvaluate(ValueError):
    """The values do not allow it: "'abc' is not a number"."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: `names` are the variables that it reads, `compared` each (variable, text) that it asks to be equal or not."""

    text: str
    names: frozenset[str]
    compared: frozenset[tuple[str, str]]
    _tree: ast.expr = field(repr=False, compare=False)

    def value(self, variables: Mapping[str, str]) -> Value:
        """The result; a variable that is not set is empty text. Raises CannotEvaluate."""
        return _evaluate(self._tree, variables)

    def is_true(self, variables: Mapping[str, str]) -> bool:
        """Whether it is true. Raises CannotEvaluate."""
        return truth(self.value(variables))

    def result(self, variables: Mapping[str, str]) -> str:
        """The result as text, the form that variables have. Raises CannotEvaluate."""
        return as_text(self.value(variables))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(parse_expression)


def parse_expression(text: Any) -> Expression:
    """Read an expression. Raises BadExpression."""
    if not isinstance(text, str) or not text.strip():
        raise BadExpression("expected an expression such as balance > 100 and language == 'zh'")
    if len(text) > MAX_LENGTH:
        raise BadExpression(f"the expression is longer than {MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise BadExpression(f"cannot read the expression '{text.strip()}': {said}") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise BadExpression("the expression is too long: split it over several branches")
    names: set[str] = set()
    _check(tree, names)
    return Expression(text.strip(), frozenset(names), frozenset(_compared(tree)), tree)


def as_number(value: Value) -> Decimal | None:
    """The number that a value is or reads as; None for other text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None


def as_text(value: Value) -> str:
    """A value as it stands in a variable: true, 12.5, abc."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    return value if isinstance(value, str) else ", ".join(as_text(item) for item in value)


def truth(value: Value) -> bool:
    """Empty text, "0", 0 and "false" are false."""
    return value not in ("", "0", "false", 0, ()) if isinstance(value, str | Decimal | tuple) else value


# -- reading ------------------------------------------------------------------------------------------------------------------

_CONSTANTS = {"true": True, "false": False, "True": True, "False": False}
_Operation = Callable[[Decimal, Decimal], Decimal]
_ARITHMETIC: dict[type[ast.operator], _Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_COMPARISONS = (*_ORDER, ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def _int(value: Value) -> Value:
    return Decimal(int(_number(value)))


_FUNCTIONS: dict[str, tuple[int, Callable[..., Value]]] = {
    "len": (1, lambda value: Decimal(len(value if isinstance(value, tuple) else as_text(value)))),
    "int": (1, _int),
    "lower": (1, lambda value: as_text(value).lower()),
    "startswith": (2, lambda value, start: as_text(value).startswith(as_text(start))),
    "endswith": (2, lambda value, end: as_text(value).endswith(as_text(end))),
}


def _check(node: ast.AST, names: set[str]) -> None:
    """Refuse whatever is not in the language; gather the variables."""
    if isinstance(node, ast.Constant):
        _check_constant(node.value)
    elif isinstance(node, ast.Name):
        if node.id not in _CONSTANTS:
            names.add(node.id)
    elif isinstance(node, ast.Call):
        _check_call(node, names)
    elif _allowed(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                _check(child, names)
    else:
        raise BadExpression(
            f"'{_written(node)}' is not possible here: only comparisons, and, or, not, in, + - * / and {', '.join(_FUNCTIONS)}()"
        )


def _compared(tree: ast.expr) -> Iterator[tuple[str, str]]:
    """`language == 'zh'` and `language in ('zh', 'en')`, either way round."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        for left, sign, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            if not isinstance(sign, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                continue
            for one, other in ((left, right), (right, left)):
                listed = other.elts if isinstance(other, ast.List | ast.Tuple) else [other] if isinstance(sign, ast.Eq | ast.NotEq) else []
                texts = (item.value for item in listed if isinstance(item, ast.Constant))
                if isinstance(one, ast.Name):
                    yield from ((one.id, text) for text in texts if isinstance(text, str))


def _check_constant(value: object) -> None:
    if isinstance(value, bool | str):
        return
    if not isinstance(value, int | float) or not abs(value) < MAX_NUMBER:
        raise BadExpression(f"'{str(value)[:40]}' is neither text nor a number of up to 18 digits")


def _check_call(node: ast.Call, names: set[str]) -> None:
    function = node.func.id if isinstance(node.func, ast.Name) else ""
    if function not in _FUNCTIONS:
        raise BadExpression(f"unknown function '{_written(node.func)}': possible are {', '.join(_FUNCTIONS)}")
    needed = _FUNCTIONS[function][0]
    if node.keywords or len(node.args) != needed:
        raise BadExpression(f"{function}() takes {needed} value{'s' if needed > 1 else ''}")
    for argument in node.args:
        _check(argument, names)


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return all(isinstance(op, _COMPARISONS) for op in node.ops)
    if isinstance(node, ast.BinOp):
        return type(node.op) in _ARITHMETIC
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not | ast.USub)
    return isinstance(node, ast.BoolOp | ast.List | ast.Tuple)


def _written(node: ast.AST) -> str:
    try:
        return ast.unparse(node)[:60]
    except (RecursionError, ValueError):
        return type(node).__name__


# -- evaluating ---------------------------------------------------------------------------------------------------------------


def _evaluate(node: ast.expr, variables: Mapping[str, str]) -> Value:
    match node:
        case ast.Constant(value=value):
            return value if isinstance(value, bool | str) else Decimal(str(value))
        case ast.Name(id=name):
            return _CONSTANTS[name] if name in _CONSTANTS else variables.get(name, "")
        case ast.BoolOp(op=op, values=values):
            return _either(isinstance(op, ast.Or), values, variables)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not truth(_evaluate(operand, variables))
        case ast.UnaryOp(operand=operand):
            return -_number(_evaluate(operand, variables))
        case ast.BinOp(left=left, op=sign, right=right):
            return _calculate(type(sign), _number(_evaluate(left, variables)), _number(_evaluate(right, variables)))
        case ast.Compare():
            return _compare(node, variables)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name][1](*(_evaluate(argument, variables) for argument in arguments))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(_evaluate(item, variables) for item in items)
    raise CannotEvaluate(f"'{_written(node)}' cannot be evaluated")


def _either(until_true: bool, values: list[ast.expr], variables: Mapping[str, str]) -> bool:
    for value in values:
        if truth(_evaluate(value, variables)) is until_true:
            return until_true
    return not until_true


def _calculate(sign: type[ast.operator], left: Decimal, right: Decimal) -> Decimal:
    if sign is ast.Div and right == 0:
        raise CannotEvaluate(f"{left} cannot be divided by 0")
    result = _ARITHMETIC[sign](left, right)
    if abs(result) >= MAX_NUMBER:
        raise CannotEvaluate("the result has more than 18 digits")
    return result


def _number(value: Value) -> Decimal:
    number = as_number(value)
    if number is None:
        raise CannotEvaluate(f"'{as_text(value)[:40]}' is not a number")
    return number


def _compare(node: ast.Compare, variables: Mapping[str, str]) -> bool:
    left = _evaluate(node.left, variables)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _evaluate(comparator, variables)
        if not _holds(op, left, right):
            return False
        left = right
    return True


def _holds(op: ast.cmpop, left: Value, right: Value) -> bool:
    if isinstance(op, ast.Eq | ast.NotEq):
        return _equal(left, right) is isinstance(op, ast.Eq)
    if isinstance(op, ast.In | ast.NotIn):
        inside = any(_equal(left, item) for item in right) if isinstance(right, tuple) else as_text(left) in as_text(right)
        return inside is isinstance(op, ast.In)
    numbers = as_number(left), as_number(right)
    if None not in numbers:
        return _ORDER[type(op)](*numbers)
    return isinstance(left, str) and isinstance(right, str) and _ORDER[type(op)](left, right)


def _equal(left: Value, right: Value) -> bool:
    if isinstance(left, tuple) or isinstance(right, tuple):
        return left == right
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return as_number(left) is not None and as_number(left) == as_number(right)
    return as_text(left) == as_text(right)
