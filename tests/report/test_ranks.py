"""Ranks over datasets: a table, a diagram where there is a test, bars over what does not differ."""

import pytest

from gexflow.report.ranks import joined, rank_table


def rows(families: int, models: str = "abc") -> list[dict]:
    found = []
    for number in range(families):
        for place, model in enumerate(models):
            rank = (place + number) % len(models) + 1 if number % 2 else place + 1
            found.append({"family": f"f{number}", "model": model, "rank": rank, "datasets": 1 + (number == 0)})
    return found


def outcome(families: int, difference: float) -> dict:
    p = 0.04 if difference == difference else difference
    return {"families": families, "models": 3, "p_friedman": p, "critical_difference": difference, "left_out": ["z"]}


def test_one_family_has_no_ranks():
    assert rank_table(rows(1), outcome(1, float("nan"))) is None


def test_few_families_have_a_table_and_no_test():
    table = rank_table(rows(3), outcome(3, float("nan")))
    assert (table["figure"], table["p"], table["left_out"]) == (None, "", "z")
    assert table["families"] == ["f0 (2 datasets)", "f1", "f2"]
    assert [row["mean"] for row in table["rows"]] == sorted(row["mean"] for row in table["rows"])


def test_five_families_have_a_diagram_that_names_every_model():
    table = rank_table(rows(6), outcome(6, 1.2))
    assert "critical difference 1.20" in table["figure"]
    for row in table["rows"]:
        assert f"{row['name']}  {row['mean']}" in table["figure"] or f"{row['mean']}  {row['name']}" in table["figure"]


@pytest.mark.parametrize(
    ("ranks", "difference", "expected"),
    [
        ([1.0, 1.5, 3.0, 3.4], 1.0, [(0, 1), (2, 3)]),
        ([1.0, 1.5, 2.2, 3.4], 1.0, [(0, 1), (1, 2)]),
        ([1.0, 1.2, 1.4], 1.0, [(0, 2)]),
        ([1.0, 3.0, 5.0], 1.0, []),
    ],
)
def test_bars_join_the_widest_runs_that_do_not_differ(ranks, difference, expected):
    assert joined(ranks, difference) == expected
