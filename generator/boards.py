"""Comparisons, traces, drivers and published cuts as tables to read in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chalicelib.survey.comparing import HIGHER, LOWER
from generator.cuts import Cut, Told
from generator.driving import Driving
from generator.terminal import beneath, narrow
from generator.tracing import Trace
from generator.waves import SHARES, Compared, Line

WORDS = {
    "zh-CN": {
        "figure": "指标", "segment": "细分", "p": "p（Holm）", "change": "变化", "higher": "升高",
        "points": "百分点",
        "lower": "降低", "no_evidence": "无显著差异", "too_few": "不足 30 份", "index": "指数",
        "responses": "答卷数", "fcr": "一次解决率", "mean": "均值", "top2": "前两档", "nps": "NPS",
        "ces": "轻松", "yes": "是", "above": "高于其余", "below": "低于其余", "source": "来源",
        "gain": "可提升", "answers": "占答卷", "shortfall": "占失分",
        "none": "没有明显低于其余的细分",
        "small": "另有 {n} 个细分不足 30 份，不作判断", "driver": "驱动因素", "score": "得分",
        "share": "占 R²", "derived": "推算重要性", "weight": "设定权重", "advice": "建议",
        "keep_up": "继续保持", "improve_first": "优先改进", "more_than_needed": "投入偏多",
        "low_priority": "次要", "alpha": "Cronbach α {a:.3f}（{k} 题，n {n:,}）",
        "low": "：低于 0.70，这些题未必在测同一件事", "redundant": "：高于 0.95，题目可能重复",
        "drives": "{on} 的驱动因素：R² {r2:.3f}，n {n:,}，{method}", "few": "*：不足 100 份",
        "completion rate": "完成率",
        "completion": "已提交", "n": "人数", "interval": "95% 区间",
        "told": "未列出的细分：不足 10 人，或为保护它们而隐去",
    },
    "en": {
        "figure": "Figure", "segment": "Segment", "p": "p (Holm)", "change": "change",
        "points": "pp",
        "higher": "higher", "lower": "lower", "no_evidence": "no evidence", "index": "Index",
        "too_few": "fewer than 30", "responses": "Responses", "fcr": "First contact",
        "mean": "mean", "top2": "top 2", "nps": "NPS", "ces": "made it easy", "yes": "yes",
        "above": "above the rest", "below": "below the rest", "source": "Source",
        "gain": "would gain", "answers": "of answers", "shortfall": "of shortfall",
        "none": "no segment stands clearly below the others",
        "small": "{n} more below the others, with fewer than 30 answers: not judged",
        "driver": "Driver", "score": "Score", "share": "of R²", "derived": "importance",
        "weight": "weight", "advice": "Advice", "keep_up": "keep it up",
        "improve_first": "improve first", "more_than_needed": "more than needed",
        "low_priority": "low priority", "alpha": "Cronbach's alpha {a:.3f} ({k} items, n {n:,})",
        "low": ": below .70, these may not measure one thing",
        "redundant": ": above .95, some of these ask the same",
        "drives": "Drivers of {on}: R² {r2:.3f}, n {n:,}, {method}", "few": "*: fewer than 100",
        "n": "n", "interval": "95 % interval", "completion rate": "Completion rate",
        "completion": "sent it",
        "told": "segments not listed: fewer than 10 people, or left out to protect those",
    },
}  # fmt: skip
STYLES = {HIGHER: "green", LOWER: "red"}
QUADRANTS = {"improve_first": "red", "keep_up": "green"}


def compared_board(found: Compared) -> RenderableType:
    words = _words(found.language)
    grid = _grid(words["segment"] if found.before == "rest" else words["figure"])
    against = found.before == "rest"
    tight = narrow()
    for head in (words["below"] if against else found.before, found.after):
        grid.add_column(head if head != words["below"] else "…", justify="right", no_wrap=True)
    for head in (words["change"], words["p"], ""):
        grid.add_column(head, justify="right", no_wrap=True)
    for line in found.lines:
        test = line.test
        name = line.segment or _named(line.item, line.text, found.language, words)
        what = "" if line.figure == line.item else f"  {words[line.figure]}"
        style = STYLES.get(test.verdict, "" if test.p is not None else "dim")
        verdict = {HIGHER: "above", LOWER: "below"}.get(test.verdict) if against else None
        grid.add_row(
            Text(f"{name}{what}"),
            _side(line, test.before.value, test.before.n, tight),
            _side(line, test.after.value, test.after.n, tight),
            _change(line, test.difference, words["points"]),
            "" if test.adjusted is None else f"{test.adjusted:.3f}",
            Text(words[verdict or test.verdict], style),
        )
    return Group(Text(_said(found.title, found.language, found.survey), "bold"), grid)


def trace_board(found: Trace) -> RenderableType:
    words = _words(found.language)
    grid = _grid(words["source"])
    for head in ("n", words["mean"], words["gain"], words["answers"], words["shortfall"], ""):
        grid.add_column(head, justify="right", no_wrap=True)
    tight = narrow()
    for source in found.sources:
        score = source.score
        item = f" ({source.item})" if len(found.scores) > 1 else ""
        grid.add_row(
            Text(f"{source.key} {source.value}{item}"),
            f"{score.n:,}",
            beneath(f"{score.mean:.2f} ({score.low:.2f}–{score.high:.2f})", tight),
            f"{source.gain:+.3f}",
            f"{100 * source.of_answers:.1f}%",
            f"{100 * source.of_shortfall:.1f}%",
            Text(words["below"] if source.test.verdict == LOWER else words["no_evidence"],
                 STYLES.get(source.test.verdict, "dim")),
        )  # fmt: skip
    title = _said(found.title, found.language, found.survey)
    means = ", ".join(f"{k} {m.mean:.2f} (n {m.n:,})" for k, m in found.scores.items())
    notes = [Text(words["small"].format(n=found.small), "dim")] * bool(found.small)
    body = grid if found.sources else Text(words["none"])
    return Group(Text(f"{title}  {found.dimension}: {means}", "bold"), body, *notes)


def drivers_board(found: Driving) -> RenderableType:
    words = _words(found.language)
    grid = _grid(words["driver"])
    for head in ("n", words["score"], words["share"], words["derived"], words["weight"]):
        grid.add_column(head, justify="right", no_wrap=True)
    grid.add_column(words["advice"], no_wrap=True)
    tight = narrow()
    for driver in found.drivers:
        score = driver.score
        grid.add_row(
            Text(_said(driver.text, found.language, driver.item)),
            f"{score.n:,}",
            beneath(f"{score.mean:.2f} ({score.low:.2f}–{score.high:.2f})", tight),
            f"{driver.share:.3f}",
            f"{100 * driver.importance:.0f}%",
            "" if driver.weight is None else f"{100 * driver.weight:.0f}%",
            Text(words[driver.quadrant], QUADRANTS.get(driver.quadrant, "")),
        )
    on = _said(found.text, found.language, found.on)
    head = words["drives"].format(on=on, r2=found.r2, n=found.n, method=found.method)
    alpha = found.reliability
    notes = []
    if alpha:
        said = words["alpha"].format(a=alpha.alpha, k=alpha.items, n=alpha.n)
        notes = [Text(said + (words[alpha.warning] if alpha.warning else ""))]
    return Group(Text(head, "bold"), grid, *notes)


def cut_board(found: Cut) -> RenderableType:
    words = _words(found.language)
    grid = _grid(words["segment"] if found.by else words["figure"])
    for head in (words["figure"], words["n"], "", words["interval"]):
        grid.add_column(head, justify="right" if head != words["figure"] else "left")
    for row in found.rows:
        called = [
            _said(found.values.get(value, {}), found.language, value) for value in row.segment
        ]
        name = _named(row.item, found.texts.get(row.item, {}), found.language, words)
        what = "" if row.figure == "n" else f"  {words[row.figure]}"
        grid.add_row(Text(" × ".join(called)), Text(f"{name}{what}"), *_told(row))
    title = _said(found.title, found.language, found.survey)
    notes = [Text(words["told"], "dim"), Text(words["few"], "dim")]
    return Group(Text(f"{title}  {found.wave}", "bold"), grid, *notes)


def _told(row: Told) -> Iterator[str]:
    yield f"{row.n:,}" + "*" * row.few
    share = row.figure in (*SHARES, "completion")
    scale, end = (100, "%") if share else (1, "")
    yield (
        "" if row.figure == "n" else f"{scale * row.value:.1f}{end}" if end else f"{row.value:.2f}"
    )
    known = row.low is not None and row.high is not None
    yield f"{scale * (row.low or 0):.1f}–{scale * (row.high or 0):.1f}{end}" if known else ""


def _grid(first: str) -> Table:
    grid = Table(show_edge=False, pad_edge=False)
    grid.add_column(first, ratio=1, overflow="fold")
    return grid


def _side(line: Line, value: float, n: int, tight: bool) -> str:
    shown = f"{100 * value:.1f}%" if line.figure in SHARES else f"{value:.{_places(line)}f}"
    return beneath(f"{shown} (n {n:,})", tight)


def _change(line: Line, value: float, points: str) -> str:
    """Of shares in percentage points: 2 % of 40 % would be less."""
    if line.figure in SHARES:
        return f"{100 * value:+.1f} {points}"
    return f"{value:+.{_places(line)}f}"


def _places(line: Line) -> int:
    return 1 if line.figure == "nps" or line.item == "index" else 2


def _named(item: str, text: dict[str, str], language: str, words: dict[str, str]) -> str:
    return _said(text, language, words.get(item, item))


def _words(language: str) -> dict[str, str]:
    return WORDS.get(language, WORDS["en"])


def _said(text: dict[str, str], language: str, name: str) -> str:
    return text.get(language) or next(iter(text.values()), name)
