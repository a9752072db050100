"""Published tables: whoever subtracts, or solves for what is left out, finds nobody small."""

from __future__ import annotations

import random
from itertools import chain

import numpy as np
import pytest
from scipy.optimize import linprog

from chalicelib.survey.disclosure import LEAST, told, told_pairs


def ranges(
    unknown: list, equations: list[tuple[list, int]], least: int = 0
) -> dict[object, tuple[float, float]]:
    """All that can be found out: the smallest and largest value each unknown may have."""
    place = {name: at for at, name in enumerate(unknown)}
    matrix = np.zeros((len(equations), len(unknown)))
    for at, (names, _) in enumerate(equations):
        for name in names:
            matrix[at, place[name]] += 1
    sums = [total for _, total in equations]
    found = {}
    for name in unknown:
        aim = np.zeros(len(unknown))
        aim[place[name]] = 1
        ends = [
            linprog(sign * aim, A_eq=matrix, b_eq=sums, bounds=(least, None), method="highs").fun
            for sign in (1, -1)
        ]
        found[name] = ends[0], -ends[1]
    return found


def some(chance: random.Random, cells: int) -> list[int]:
    return [chance.choice([0, 1, 3, 5, 9, 10, 12, 40, 400]) for _ in range(cells)]


@pytest.mark.parametrize("seed", range(150))
def test_one_key_tells_nobody_small(seed: int) -> None:
    chance = random.Random(seed)
    cells = {
        str(n): people for n, people in enumerate(some(chance, chance.randint(1, 8))) if people
    }
    without = chance.choice([0, 0, 2, 50])
    total = sum(cells.values()) + without
    shown = told(cells, total)
    assert all(cells[name] >= LEAST for name in shown)
    if total < LEAST:
        assert not shown
        return
    left_over = total - sum(cells[name] for name in shown)
    assert left_over == 0 or left_over >= LEAST
    hidden = [name for name in cells if name not in shown] + ["nobody's"] * (without > 0)
    if hidden:
        found = ranges(hidden, [(hidden, left_over)])
        for name, (low, high) in found.items():
            people = cells.get(str(name), without)
            assert people >= LEAST or high - low >= 1, f"{name} is found to be {people}"


@pytest.mark.parametrize("seed", range(150))
def test_two_keys_tell_nobody_small_beside_the_tables_of_each(seed: int) -> None:
    """All three tables and the total are in the hands of one who knows which cells are empty."""
    chance = random.Random(seed)
    names = [[f"{key}{n}" for n in range(chance.randint(1, 4))] for key in "ab"]
    # None: who has no value of that key.
    full = {
        (row, column): chance.choice([0, 1, 2, 4, 9, 10, 15, 60, 300])
        for row in [*names[0], None]
        for column in [*names[1], None]
    }
    full |= {cell: 0 for cell in full if None in cell and chance.random() < 0.7}
    rows = {a: sum(n for (row, _), n in full.items() if row == a) for a in names[0]}
    columns = {b: sum(n for (_, column), n in full.items() if column == b) for b in names[1]}
    rows = {a: n for a, n in rows.items() if n}
    columns = {b: n for b, n in columns.items() if n}
    cells = {(a, b): n for (a, b), n in full.items() if a and b and n}
    total = sum(full.values())
    shown = told_pairs(cells, rows, columns, total)
    assert all(cells[cell] >= LEAST for cell in shown)
    if total < LEAST:
        assert not shown
        return
    if not shown:
        return  # no table: and each key's own is looked at above
    known_rows, known_columns = told(rows, total), told(columns, total)
    unknown = [cell for cell, n in full.items() if n and cell not in shown]
    equations = [
        (
            [cell for cell in unknown if cell[side] == name],
            margin[name] - sum(cells[cell] for cell in shown if cell[side] == name),
        )
        for side, margin, known in ((0, rows, known_rows), (1, columns, known_columns))
        for name in known
    ]
    equations.append((unknown, total - sum(cells[cell] for cell in shown)))
    for names_, left_over in equations[:-1]:
        assert left_over == 0 or left_over >= LEAST or not names_
    found = ranges(unknown, equations) if unknown else {}
    for cell, (low, high) in found.items():
        assert full[cell] >= LEAST or high - low >= 1, f"{cell} is found to be {full[cell]}"
    # And the totals that are left out.
    for side, margin, known in ((0, rows, known_rows), (1, columns, known_columns)):
        for name in set(margin) - known:
            if margin[name] < LEAST:
                mine = [cell for cell in unknown if cell[side] == name]
                assert any(found[cell][1] - found[cell][0] >= 1 for cell in mine)


def test_no_more_is_left_out_than_needed() -> None:
    """One small cell takes the next larger one with it, and where nobody is small all are told."""
    assert told({"a": 5, "b": 40, "c": 60, "d": 90}, 195) == {"c", "d"}
    assert told({"a": 10, "b": 40}, 50) == {"a", "b"}
    assert told({"a": 5, "b": 6, "c": 60}, 71) == {"c"}
    cells = {("a", "x"): 50, ("a", "y"): 50, ("b", "x"): 50, ("b", "y"): 50}
    assert told_pairs(cells, {"a": 100, "b": 100}, {"x": 100, "y": 100}, 200) == set(cells)


def test_a_cell_that_its_cross_totals_give_away_takes_three_with_it() -> None:
    cells = {(a, x): 50 for a in "abc" for x in "xyz"} | {("a", "x"): 4}
    rows = {"a": 104, "b": 150, "c": 150}
    columns = {"x": 104, "y": 150, "z": 150}
    left_out = set(cells) - told_pairs(cells, rows, columns, 404)
    assert ("a", "x") in left_out
    assert len(left_out) == 4
    assert {len([*filter(lambda cell: cell[0] == a, left_out)]) for a in "abc"} == {0, 2}


def test_a_large_table_is_settled() -> None:
    """Fourteen hundred agents by hour."""
    chance = random.Random(7)
    cells = {
        (f"a{a}", f"{h:02}"): chance.choice([3, 8, 12, 20, 30])
        for a in range(1400)
        for h in range(12)
    }
    rows = {a: 0 for a, _ in cells}
    columns = {h: 0 for _, h in cells}
    for (a, h), people in cells.items():
        rows[a] += people
        columns[h] += people
    shown = told_pairs(cells, rows, columns, sum(rows.values()))
    assert len(shown) > len(cells) / 4
    assert min(map(cells.__getitem__, shown)) >= LEAST


def test_who_has_no_value_is_not_found_by_subtracting_either() -> None:
    assert told({"a": 40, "b": 60}, 103) == {"b"}  # 43 others
    assert told({"a": 40}, 43) == set()
    assert not [*chain(told({}, 43), told({"a": 9}, 9))]
