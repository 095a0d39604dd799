"""The order that contacts and agents stand in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.board.ranking import Ranking

pytestmark = pytest.mark.unit

ids = st.sampled_from("abcdefgh")
steps = st.lists(st.one_of(st.tuples(st.just("add"), ids, st.integers(0, 5)), st.tuples(st.just("discard"), ids, st.just(0))), max_size=60)


@given(steps, st.sets(ids))
def test_it_is_a_list_sorted_by_key_and_time_of_adding(steps: list[tuple[str, str, int]], refused: set[str]) -> None:
    """Whatever is added, moved and taken out, the first one is that of a plain sorted list; refused ones keep their places."""
    ranking, plain = Ranking(), {}
    for serial, (verb, id, key) in enumerate(steps):
        if verb == "add":
            ranking.add(id, key)
            plain[id] = (key, serial)
        else:
            ranking.discard(id)
            plain.pop(id, None)

        order = sorted(plain, key=plain.__getitem__)
        assert [(key, id) for key, _, id in ranking] == [(plain[id][0], id) for id in order]
        first = ranking.first(lambda id: id not in refused)
        assert (first[2] if first else None) == next((id for id in order if id not in refused), None)
        assert (len(ranking), {id for id in "abcdefgh" if id in ranking}) == (len(plain), set(plain))


def test_nothing_is_left_of_who_went() -> None:
    """Ten thousand comings and goings leave one entry: of who stayed."""
    ranking = Ranking()
    for turn in range(10_000):
        ranking.add("stays", turn)
        ranking.add("goes", turn)
        ranking.discard("goes")

    assert [id for _, _, id in ranking] == ["stays"]
