"""What clients send is read by models: what fits is typed, and everything that does not is told at once, in sentences."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.http.bodies import LEAST_PRIORITY, MOST_PRIORITY, AgentChange, ContactChange, Parameters
from server.http.errors import ApiError, FieldProblem
from server.http.requests import MOST_PROBLEMS, read_change, read_parameters

pytestmark = pytest.mark.unit
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("action", "reason", "phone", "queue", "disposition", "priority")
WORDS = st.sampled_from(["pause", "log_in", "join_queue", "dispose", "move", "withdraw", "prioritise", "1", "sales", ""])


def refused(model: type[AgentChange] | type[ContactChange], body: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read_change(model, body)
    assert (caught.value.status, caught.value.code) == (400, "bad_request")
    return caught.value


def told_of(model: type[AgentChange] | type[ContactChange], body: dict[str, Any]) -> str | None:
    """The message; None when the body is read."""
    try:
        read_change(model, body)
    except ApiError as error:
        return error.message
    return None


def test_what_fits_is_typed_and_stays_as_it_is() -> None:
    """The fields that are given, the defaults of the others, and no way to change them."""
    change = read_change(AgentChange, {"action": "log_in", "phone": "1020"})

    assert (change.action, change.phone, change.reason, change.queue, change.disposition) == ("log_in", "1020", "", "", "")
    with pytest.raises(ValidationError, match="frozen"):
        change.phone = "1021"  # type: ignore[misc]


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_empty_text_count_as_not_given(nothing: str | None) -> None:
    """So a program may send every field, and one that the action needs is missing all the same."""
    rest = dict.fromkeys(("reason", "phone", "queue", "disposition"), nothing)

    assert read_change(AgentChange, {"action": "resume", **rest}) == AgentChange(action="resume")
    assert read_change(ContactChange, {"action": "withdraw", "queue": nothing, "priority": nothing}) == ContactChange(action="withdraw")
    assert refused(AgentChange, {"action": "leave_queue", **rest}).message == "leave_queue needs the field queue."


def test_every_problem_is_told_at_once() -> None:
    """Each field with what was found and what was expected, in one sentence each, and one by one for programs."""
    error = refused(AgentChange, {"action": "join_queue", "reason": 7, "disposition": "x", "agent": "li", "phone": "1001"})

    assert error.problems == [
        FieldProblem("reason", "The reason must be text of one line, 80 characters at most, found 7."),
        FieldProblem("disposition", "The disposition must be a code of 1 to 4 digits as text, such as \"1\", found 'x'."),
        FieldProblem("agent", "Unknown field 'agent'; there are action, reason, phone, queue, disposition and contact."),
        FieldProblem("reason", "The field reason belongs to pause, not to join_queue."),
        FieldProblem("phone", "The field phone belongs to log_in, not to join_queue."),
        FieldProblem("disposition", "The field disposition belongs to dispose and end_wrap_up, not to join_queue."),
        FieldProblem("queue", "join_queue needs the field queue."),
    ]
    assert error.message == " ".join(problem.message for problem in error.problems)


def test_an_unknown_action_hides_no_other_problem() -> None:
    """The nearest action is guessed, and the values are judged all the same."""
    error = refused(AgentChange, {"action": "paus", "reason": "a\nb"})

    assert [problem.field for problem in error.problems] == ["action", "reason"]
    assert error.problems[0].message == "Unknown action 'paus' - did you mean 'pause'?"
    assert error.problems[1].message.endswith("found 'a\\nb'.")


def test_a_body_full_of_nonsense_is_answered_shortly() -> None:
    """A client cannot have us send back a book."""
    error = refused(ContactChange, {"action": "withdraw", **{f"field-{number}" * 50: "x" * 1_000 for number in range(500)}})

    assert len(error.problems) == MOST_PROBLEMS
    assert error.message.endswith("There are 490 problems more.")
    assert len(error.message) < 2_000


@pytest.mark.parametrize(("priority", "fits"), [(LEAST_PRIORITY, True), (MOST_PRIORITY, True), (LEAST_PRIORITY - 1, False), (1.0, False)])
def test_a_priority_is_a_whole_number_within_bounds(priority: float, fits: bool) -> None:
    """A number of another kind is not made to fit."""
    body = {"action": "prioritise", "priority": priority}
    if fits:
        assert read_change(ContactChange, body).priority == priority
    else:
        error = refused(ContactChange, body)
        assert error.message == f"The priority must be a whole number of seconds from -3600 to 86400, found {priority}."


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), WORDS | ANY_JSON, max_size=6))
def test_any_object_is_read_or_refused(body: dict[str, Any]) -> None:
    """Whatever JSON may hold, the result is a change or one short error whose sentences stand on one line and can be sent."""
    told = [told_of(model, body) for model in (AgentChange, ContactChange)]

    assert all(message is None or message.isprintable() for message in told)
    json.dumps(told).encode()


def test_parameters_that_nobody_reads_are_refused() -> None:
    """A filter that is misspelt or does not exist is not answered with everything; twice is a problem, too."""
    assert read_parameters(Parameters, []) == Parameters()
    with pytest.raises(ApiError) as caught:
        read_parameters(Parameters, [("queue", "sales"), ("queue", "billing"), ("x", "")])

    assert [problem.message for problem in caught.value.problems] == [
        "Unknown parameter 'queue'; this address takes none.",
        "Unknown parameter 'x'; this address takes none.",
        "The parameter 'queue' is given 2 times.",
    ]
