"""What YAML's parser complains about, in words for a person and at the place where it began."""

import re

import yaml

from sources.problems import Position, Problem

_NO_SPACE = re.compile(r"^\s*(?:- )?(?:[A-Za-z_][\w-]*|\"[^\"]*\"|'[^']*'):(?=[^\s:/])")
_CLOSING = {"[": "]", "{": "}", '"': '"', "'": "'"}


def missing_space(text: str, error: yaml.YAMLError) -> int | None:
    """The offset behind a colon without a space, on the line of the error or the nearest one before that is not empty."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return None
    lines = text.splitlines(keepends=True)
    for number in range(min(mark.line, len(lines) - 1), -1, -1):
        match = _NO_SPACE.match(lines[number])
        if match:
            return sum(map(len, lines[:number])) + match.end()
        if number < mark.line and lines[number].strip():
            break
    return None


def syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """The parser's complaint as a problem."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        return Problem(Position(file, line, column), "a control character stands here", "remove it")
    mark = getattr(error, "problem_mark", None)
    position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
    said = str(getattr(error, "problem", "") or error)
    context = str(getattr(error, "context", "") or "")
    lines = text.splitlines() or [""]
    line_text = lines[min(position.line, len(lines)) - 1]
    if "alias" in context:
        return Problem(Position(file, position.line, max(1, position.column - 1)), "a star must be quoted", 'write "*"')
    if "cannot start any token" in said and "\t" in line_text[: position.column]:
        return Problem(position, "a tab stands here", "indent with spaces")
    opened = _unclosed(error, lines, file)
    if opened:
        return opened
    if "mapping values are not allowed" in said:
        return Problem(position, "a ': ' stands where none is expected", "quote the text, or check the indentation of this line")
    return Problem(position, f"is not valid YAML: {said}" + (f" ({context})" if context else ""), "check indentation, brackets and quotes")


def _unclosed(error: yaml.YAMLError, lines: list[str], file: str) -> Problem | None:
    """A bracket, brace or quote that nothing closes, where it was opened."""
    begun, mark = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    if begun is None or mark is None or begun.line >= len(lines):
        return None
    sign = lines[begun.line][begun.column : begun.column + 1]
    if sign not in _CLOSING:
        return None
    ended = mark.line >= len(lines) or not lines[mark.line].strip()
    rest = "" if ended else lines[mark.line]
    outside = len(rest) - len(rest.lstrip()) <= len(lines[begun.line]) - len(lines[begun.line].lstrip())
    if ended or sign in "\"'" or (mark.line > begun.line and outside and not rest.lstrip().startswith(("]", "}"))):
        kind = {"[": "bracket", "{": "brace"}.get(sign, "quote")
        return Problem(
            Position(file, begun.line + 1, begun.column + 1), f"this {kind} {sign} is never closed", f"write {_CLOSING[sign]} behind it"
        )
    return None
