"""Budgets: how they are measured, and that the project keeps to them but for the exceptions of today."""

import pytest

from tests.budgets import Bounds, complaints, excepted, over_budget, shrunk, today, written

pytestmark = pytest.mark.unit

NONE = Bounds(module=0, function=0, arguments=0, nesting=0)


def measured(text: str) -> dict[str, dict[str, int]]:
    return over_budget({"m.py": text}, NONE)


@pytest.mark.unmeasured
def test_the_project_keeps_to_its_budgets() -> None:
    """An exception neither grows nor stays when it is not needed, and none is new: the list can only shrink."""
    assert complaints(today(), excepted()) == []
    assert written(excepted()) == written(shrunk(today(), excepted()))


def test_lines_are_those_of_the_file_and_of_the_function_with_its_head() -> None:
    found = measured("import os\n\n\nclass A:\n    @property\n    def f(self):\n        a = 1\n\n        return a\n")
    assert found["module"] == {"m.py": 9}
    assert found["function"] == {"m.py::A.f": 4}


def test_all_arguments_count_but_not_the_object_itself() -> None:
    found = measured(
        "class A:\n    def f(self, a, /, b, *more, c=1, **rest): ...\n    @classmethod\n    def g(cls, a): ...\ndef h(selfless): ...\n"
    )
    assert found["arguments"] == {"m.py::A.f": 3, "m.py::A.g": 1, "m.py::h": 1}


def test_the_fields_of_a_dataclass_are_no_arguments() -> None:
    """What puts parts together is a dataclass, however many they are."""
    assert "arguments" not in measured("@dataclass\nclass Parts:\n    a: int\n    b: int\n    c: int\n")


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        ("if a: pass", 1),
        ("if a:\n  pass\n elif b:\n  pass\n elif c:\n  pass", 1),
        ("if a:\n  pass\n else:\n  if b: pass\n  c()", 2),
        ("try:\n  pass\n except E:\n  if a: pass", 2),
        ("for x in y:\n  while a:\n   with b:\n    match c:\n     case 1: pass", 4),
        ("async with a:\n  async for b in c: pass", 2),
        ("def inner():\n  if a:\n   if b: pass", 0),
    ],
)
def test_nesting_counts_blocks_within_blocks(body: str, depth: int) -> None:
    """elif is no level; a function inside another begins anew."""
    assert measured(f"async def f():\n {body}\n").get("nesting", {}).get("m.py::f", 0) == depth


@pytest.mark.parametrize(
    ("figure", "known", "said"),
    [(301, 0, "at most 300"), (310, 309, "at most 309"), (309, 310, "by now"), (0, 310, "by now"), (310, 310, "")],
)
def test_what_is_new_grown_or_less_than_written_down_is_told(figure: int, known: int, said: str) -> None:
    found, exceptions = ({"module": {"ivr/x.py": value} if value else {}} for value in (figure, known))
    assert [said in complaint for complaint in complaints(found, exceptions)] == ([True] if said else [])


def test_the_command_lets_figures_fall_only() -> None:
    known = {"module": {"a.py": 310, "b.py": 310, "c.py": 310}}
    found = {"module": {"a.py": 305, "c.py": 320, "d.py": 400}}
    assert shrunk(found, known) == {"module": {"a.py": 305, "c.py": 310}}
