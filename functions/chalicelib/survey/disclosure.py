"""Which cells of a published table are told, so that nobody small is found by subtracting.

Cells of fewer than 10 people are not told, nor even named: an empty cell looks the same. That alone
hides nothing where totals are told as well, so further cells are left out until

- what a total leaves over, in any row or column, is nobody or at least 10 people, and
- no cell of 1 to 9 people follows from the cells and totals that are told.

The second is decided exactly: a table with its totals is a flow through a network, and what is not
told about one of its edges follows from the rest just when the edge is a bridge among those not
told: no circle of changes, one more here and one less there, leads through it (Gusfield 1988, "A
graph theoretic approach to statistical data security"). Who is in no row or column is a cell like
the others, and never told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

LEAST = 10
"""Fewer people are not told."""
FEW = 30
"""Fewer answers are counted, but get no percentage in what is shared."""
MARKED = 100
"""Fewer answers get a percentage with a mark."""

Cell: TypeAlias = tuple[str, str]

_SOURCE, _SINK, _NO_ROW, _NO_COLUMN = "source", "sink", "no row", "no column"


class _Edge(Struct, eq=False):
    """People who run from one node of the network to another."""

    start: Hashable
    end: Hashable
    people: int
    told: bool
    cell: Cell | None = None
    """What may still be left out; totals are settled by the tables they stand in."""


def told(cells: Mapping[str, int], total: int, candidates: Iterable[str] | None = None) -> set[str]:
    """The cells that are told beside their total; only of the ``candidates``, where given.

    A total below 10 is not told, and then nothing is.
    """
    may = set(cells if candidates is None else candidates)
    edges = [
        _Edge(_SOURCE, _SINK, people, people >= LEAST and name in may, ("", name))
        for name, people in cells.items()
    ]
    edges.append(_Edge(_SOURCE, _SINK, total - sum(cells.values()), False))
    return {name for _, name in _settled(edges, total)}


def told_pairs(
    cells: Mapping[Cell, int], rows: Mapping[str, int], columns: Mapping[str, int], total: int
) -> set[Cell]:
    """The cells of a table by two keys that are told beside the tables by each key alone.

    ``rows`` and ``columns`` are the totals by each key; those are told that ``told`` says.
    """
    across: dict[str, int] = defaultdict(int)
    down: dict[str, int] = defaultdict(int)
    for (row, column), people in cells.items():
        across[row] += people
        down[column] += people
    known_rows, known_columns = told(rows, total), told(columns, total)
    edges = [
        _Edge(("row", row), ("column", column), people, people >= LEAST, (row, column))
        for (row, column), people in cells.items()
    ]
    for row, people in rows.items():
        edges.append(_Edge(_SOURCE, ("row", row), people, row in known_rows))
        edges.append(_Edge(("row", row), _NO_COLUMN, people - across[row], False))
    for column, people in columns.items():
        edges.append(_Edge(("column", column), _SINK, people, column in known_columns))
        edges.append(_Edge(_NO_ROW, ("column", column), people - down[column], False))
    no_row, no_column = total - sum(rows.values()), total - sum(columns.values())
    neither = no_row - (sum(columns.values()) - sum(down.values()))
    edges.append(_Edge(_SOURCE, _NO_ROW, no_row, False))
    edges.append(_Edge(_NO_COLUMN, _SINK, no_column, False))
    edges.append(_Edge(_NO_ROW, _NO_COLUMN, neither, False))
    return _settled(edges, total)


def _settled(edges: list[_Edge], total: int) -> set[Cell]:
    """Leaves out more until nothing leaks."""
    edges = [edge for edge in edges if edge.people]
    if total < LEAST:
        return set()
    while groups := [*_leaks(edges)]:
        left_out: set[int] = set()
        for group in groups:
            if not left_out.isdisjoint(map(id, group)):
                continue  # that may be enough
            open_ = [edge for edge in group if edge.told and edge.cell]
            open_ = open_ or [edge for edge in edges if edge.told and edge.cell]
            if not open_:
                return set()  # nothing more to leave out
            smallest = min(open_, key=lambda edge: edge.people)
            smallest.told = False
            left_out.add(id(smallest))
    return {edge.cell for edge in edges if edge.told and edge.cell}


def _leaks(edges: list[_Edge]) -> Iterator[list[_Edge]]:
    """For each thing that can be found out, the edges beside it: leave out one of these."""
    out: dict[Hashable, list[_Edge]] = defaultdict(list)
    into: dict[Hashable, list[_Edge]] = defaultdict(list)
    for edge in edges:
        out[edge.start].append(edge)
        into[edge.end].append(edge)
    for node in {*out, *into}:
        for side, other in ((out[node], into[node]), (into[node], out[node])):
            # The source's and the sink's other side is the total, which is told.
            over = sum(edge.people for edge in side if not edge.told)
            if 0 < over < LEAST and all(edge.told for edge in other):
                yield side
    untold = [edge for edge in edges if not edge.told]
    for bridge in _bridges(untold):
        if bridge.people < LEAST:
            here, there = _sides(untold, bridge)
            closing = [
                edge
                for edge in edges
                if edge.told
                and edge.cell
                and ({edge.start, edge.end} & here and {edge.start, edge.end} & there)
            ]
            yield closing or [*out[bridge.start], *into[bridge.end]]


def _sides(edges: list[_Edge], bridge: _Edge) -> tuple[set[Hashable], set[Hashable]]:
    """What hangs together on either side of a bridge: an edge between them closes a circle."""
    beside: dict[Hashable, list[Hashable]] = defaultdict(list)
    for edge in edges:
        if edge is not bridge:
            beside[edge.start].append(edge.end)
            beside[edge.end].append(edge.start)
    sides = []
    for end in (bridge.start, bridge.end):
        side, left = {end}, [end]
        while left:
            for node in beside[left.pop()]:
                if node not in side:
                    side.add(node)
                    left.append(node)
        sides.append(side)
    return sides[0], sides[1]


def _bridges(edges: list[_Edge]) -> Iterator[_Edge]:
    """The edges that lie on no circle (Tarjan 1974), without recursion."""
    beside: dict[Hashable, list[_Edge]] = defaultdict(list)
    for edge in edges:
        beside[edge.start].append(edge)
        beside[edge.end].append(edge)
    seen: dict[Hashable, int] = {}
    low: dict[Hashable, int] = {}
    for first in beside:
        if first in seen:
            continue
        seen[first] = low[first] = len(seen)
        path: list[tuple[Hashable, _Edge | None, Iterator[_Edge]]]
        path = [(first, None, iter(beside[first]))]
        while path:
            node, via, left = path[-1]
            step = next(left, None)
            if step is None:
                path.pop()
                if via is not None:
                    parent = path[-1][0]
                    low[parent] = min(low[parent], low[node])
                    if low[node] > seen[parent]:
                        yield via
            elif step is not via:
                other = step.end if step.start == node else step.start
                if other in seen:
                    low[node] = min(low[node], seen[other])
                else:
                    seen[other] = low[other] = len(seen)
                    path.append((other, step, iter(beside[other])))
