"""How large code may be, and what is larger for now: `over_budget.toml` holds each exception with its figure, which can only shrink.

`python tests/budgets.py` lowers figures and takes out what keeps to its bound by now; it lets nothing grow and nothing new in.
"""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
EXCEPTIONS = HOME / "tests/over_budget.toml"
CODE = ("agi", "ivr", "routing", "server", "simulator", "sources")
Figures = dict[str, dict[str, int]]  # measure -> "path" or "path::Class.function" -> figure


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest figure of each measure. `module`: lines of a file. The others are of one function.

    `arguments` counts all but `self` and `cls`. A dataclass has no constructor of its own, so its fields do not count.
    `nesting` counts if, for, while, with, try and match inside each other; elif is no level, and a function inside begins anew.
    """

    module: int
    function: int
    arguments: int
    nesting: int


OF_CODE = Bounds(module=300, function=40, arguments=6, nesting=4)
# Fixtures are arguments, and a story is one function: tests have a little more room.
OF_TESTS = Bounds(module=600, function=50, arguments=7, nesting=4)
_LEVELS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def over_budget(sources: Mapping[str, str], bounds: Bounds) -> Figures:
    """What is above `bounds` in these modules (path -> text)."""
    found: Figures = {}
    for path, text in sources.items():
        for measure, name, figure in _measured(path, text):
            if figure > getattr(bounds, measure):
                found.setdefault(measure, {})[name] = figure
    return found


def today() -> Figures:
    """What is above its bound in the whole project."""
    code = over_budget(_sources(*CODE), OF_CODE)
    tests = over_budget(_sources("tests"), OF_TESTS)
    return {
        measure: {**code.get(measure, {}), **tests.get(measure, {})} for measure in Bounds.__slots__ if measure in code or measure in tests
    }


def excepted() -> Figures:
    """The exceptions as they are written down."""
    return tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))


def complaints(found: Figures, known: Figures) -> list[str]:
    """Where what is `found` is not what is `known` as exceptions: something new, something grown, or less than written down."""
    said = []
    for measure in sorted(found.keys() | known.keys()):
        now, then = found.get(measure, {}), known.get(measure, {})
        for name in sorted(now.keys() | then.keys()):
            figure, written = now.get(name, 0), then.get(name, 0)
            if figure > written:
                bound = getattr(OF_TESTS if name.startswith("tests/") else OF_CODE, measure)
                said.append(f"{name}: {measure} is {figure}, at most {written or bound} may be: make it smaller")
            elif figure < written:
                said.append(f"{name}: {measure} is smaller than {written} by now: run python tests/budgets.py, so that it stays so")
    return said


def shrunk(found: Figures, known: Figures) -> Figures:
    """The exceptions with lower figures, without those that are none any more. Nothing grows and nothing comes in."""
    left = {
        measure: {name: min(figure, found.get(measure, {}).get(name, 0)) for name, figure in names.items()}
        for measure, names in known.items()
    }
    return {measure: {name: figure for name, figure in names.items() if figure} for measure, names in left.items()}


def written(exceptions: Figures) -> str:
    """The text of over_budget.toml."""
    lines = ["# Above its bound for now (tests/budgets.py). A figure may become lower and a line may go; none may grow, and none is added."]
    for measure, names in exceptions.items():
        lines += ["", f"[{measure}]", *(f'"{name}" = {figure}' for name, figure in sorted(names.items()))]
    return "\n".join(lines) + "\n"


def _sources(*roots: str) -> dict[str, str]:
    paths = (path for root in roots for path in sorted((HOME / root).rglob("*.py")))
    return {str(path.relative_to(HOME)): path.read_text(encoding="utf-8") for path in paths}


def _measured(path: str, text: str) -> Iterator[tuple[str, str, int]]:
    yield "module", path, text.count("\n")
    for name, function in _functions(ast.parse(text), ""):
        whole = f"{path}::{name}"
        yield "function", whole, (function.end_lineno or 0) - function.lineno + 1
        yield "arguments", whole, _arguments(function)
        yield "nesting", whole, _nesting(function)


def _functions(node: ast.AST, within: str) -> Iterator[tuple[str, _Function]]:
    for child in ast.iter_child_nodes(node):
        name = within
        if isinstance(child, _Function | ast.ClassDef):
            name = f"{within}.{child.name}".removeprefix(".")
        if isinstance(child, _Function):
            yield name, child
        yield from _functions(child, name)


def _arguments(function: _Function) -> int:
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def _nesting(node: ast.AST) -> int:
    """The depth of levels inside a node, without those of functions and classes inside it."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function | ast.ClassDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and node.orelse == [child] and isinstance(child, ast.If)
        deepest = max(deepest, _nesting(child) + (isinstance(child, _LEVELS) and not is_elif))
    return deepest


if __name__ == "__main__":
    EXCEPTIONS.write_text(written(shrunk(today(), excepted())), encoding="utf-8")
