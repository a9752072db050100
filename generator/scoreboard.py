"""Scores as a table to read in a terminal, in the survey's language or English."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from chalicelib.survey.disclosure import FEW as SMALL
from chalicelib.survey.disclosure import MARKED
from chalicelib.survey.figures import Mean, Share
from generator.completion import Completion
from generator.scores import Index, Item, Scores, Segment
from generator.terminal import beneath, narrow

STOPS = 3
"""Questions after which most people left."""
ACROSS = {True: 2, False: 3}
"""Questions beside one another in a table of segments, where a terminal is narrow or not."""
COLOURS = {"very_satisfied": "green", "satisfied": "yellow", "needs_improvement": "red"}
WORDS = {
    "zh-CN": {
        "question": "题目",
        "mean": "均值 ± 标准差（95% 区间）",
        "share": "占比（95% 区间）",
        "top2": "满意率（前两档）",
        "index": "满意度指数",
        "fcr": "一次解决率",
        "responses": "答卷数",
        "semicolon": "；",
        "completion": "完成率",
        "began": "开始作答 {n}",
        "since": "（{day} 起）",
        "stopped": "中途离开 {n}，离开前最后作答：{stops}",
        "very_satisfied": "非常满意",
        "satisfied": "基本满意",
        "needs_improvement": "需改进",
        "yes": "是",
        "no": "否",
        "made easy": "认为轻松",
        "none": "还没有答卷",
        "reweighted": "其中 {n} 份有未答项，按其余权重折算",
        "to": "至",
        "more": "另有 {n} 个较小的细分未列出；--most 可列出更多",
        "small": "灰色：不足 30 份，仅供参考；* 不足 100 份",
        "flagged": "可疑 {n}",
        "left out": "（未计入）",
        "straight_line": "全部同分",
        "gibberish": "无意义文字",
        "one_character": "单字文本",
        "honeypot": "机器填写",
        "too_fast": "提交过快",
        "speeder": "答题过快",
        "near_duplicate": "近似重复（待查）",
    },
    "en": {
        "question": "Question",
        "mean": "Mean ± sd (95 % interval)",
        "share": "Share (95 % interval)",
        "top2": "top 2",
        "index": "Index",
        "fcr": "First contact",
        "responses": "Responses",
        "semicolon": "; ",
        "completion": "Completion rate",
        "began": "of {n} who began",
        "since": " (since {day})",
        "stopped": "{n} left before sending, last answered: {stops}",
        "very_satisfied": "very satisfied",
        "satisfied": "satisfied",
        "needs_improvement": "needs improvement",
        "yes": "yes",
        "no": "no",
        "made easy": "made it easy",
        "none": "no responses yet",
        "reweighted": "{n} left something weighted out; the rest weighs more",
        "to": "to",
        "more": "and {n} smaller ones: --most shows more",
        "small": "dim: fewer than 30 answers; *: fewer than 100",
        "flagged": "{n} flagged",
        "left out": " (left out)",
        "straight_line": "straight line",
        "gibberish": "gibberish",
        "one_character": "one character",
        "honeypot": "filled by a machine",
        "too_fast": "too fast",
        "speeder": "speeder",
        "near_duplicate": "near duplicate (to review)",
    },
}


def print_scores(scores: Scores, language: str | None = None) -> None:
    """Print to the terminal; ``language`` is the survey's first unless told."""
    Console().print(table(scores, language or scores.language))


def table(scores: Scores, language: str) -> RenderableType:
    """Questions down the side; by a segment key, its values down the side."""
    words = WORDS.get(language, WORDS["en"])
    title = _said(scores.title, language, scores.survey)
    completed = _completed(scores.completion, language, words)
    if not scores.segments:
        return Group(Text(f"{title}: {words['none']}"), *completed)
    days = f"{scores.first} {words['to']} {scores.last}"
    heading = Text(f"{title}  {days}", style="bold")
    if scores.by is None:
        whole = scores.segments[0]
        flags = _flagged(whole, scores.without_flagged, words)
        return Group(heading, *flags, *completed, *_whole(scores, whole, language, words))
    small = any(segment.n < SMALL for segment in scores.segments)
    note = [Text(words["small"], style="dim")] if small else []
    if scores.more:
        note.insert(0, Text(words["more"].format(n=f"{scores.more:,}"), style="dim"))
    return Group(heading, *_cut(scores, language, words), *note)


def _flagged(segment: Segment, left_out: bool, words: dict[str, str]) -> Iterator[Text]:
    """How many something speaks against, and what."""
    if segment.flags:
        line = words["flagged"].format(n=f"{segment.flagged:,}") + words["left out"] * left_out
        named = ", ".join(f"{words[name]} {n:,}" for name, n in segment.flags.items())
        yield Text(f"{line}: {named}", style="dim")


def _completed(
    found: Completion | None, language: str, words: dict[str, str]
) -> Iterator[RenderableType]:
    """Who sent it of those who began, and where most of the others stopped."""
    if found is None:
        return
    rate, since = found.rate, words["since"].format(day=found.since) * bool(found.since)
    began = words["began"].format(n=f"{rate.n:,}")
    yield Text(f"{words['completion']} {_interval(rate)} {began}{since}")
    stops = words["semicolon"].join(
        f"{_said(stop.text, language, stop.question)} ({stop.n:,})"
        for stop in found.stopped[:STOPS]
    )
    yield Text(words["stopped"].format(n=f"{rate.n - rate.hits:,}", stops=stops), style="dim")


def _whole(
    scores: Scores, segment: Segment, language: str, words: dict[str, str]
) -> Iterator[RenderableType]:
    line = Text(f"{words['responses']} {segment.n:,}")
    if segment.index:
        line.append(f"   {words['index']} ")
        shown = f"{_index(segment.index)} {words[segment.index.band]}"
        line.append(shown, _colour(segment.index))
    if segment.fcr:
        line.append(f"   {words['fcr']} {_interval(segment.fcr)} n {segment.fcr.n:,}")
    yield line
    if segment.index and segment.index.reweighted:
        yield Text(words["reweighted"].format(n=f"{segment.index.reweighted:,}"), style="dim")
    grid = Table(show_edge=False, pad_edge=False)
    grid.add_column(words["question"], ratio=1, overflow="fold")
    grid.add_column("n", justify="right", no_wrap=True)
    tight = narrow()  # a question's figures stand one under another
    if tight:
        grid.add_column(f"{words['mean']}\n{words['share']}")
    else:
        grid.add_column(words["mean"], justify="right", no_wrap=True)
        grid.add_column(words["share"])
    for item in segment.items:
        name = Text(_said(item.text, language, item.id))
        names = {
            code: _said(text, language, code)
            for code, text in scores.choices.get(item.id, {}).items()
        }
        figures = [_mean(item), _shares(item, names, words)]
        if tight:
            figures = [Text("\n").join(filter(None, figures))]
        grid.add_row(name, f"{item.n:,}", *figures)
    yield grid


def _cut(scores: Scores, language: str, words: dict[str, str]) -> Iterator[RenderableType]:
    """One table after another, where the questions do not fit beside each other."""
    named = {item.id: item for segment in scores.segments for item in segment.items if item.mean}
    asked = list(named.values())
    tight = narrow()  # an interval stands under its figure
    across = ACROSS[tight]
    for start in range(0, max(1, len(asked)), across):
        grid = Table(show_edge=False, pad_edge=False)
        grid.add_column(scores.by or "", no_wrap=True)
        grid.add_column("n", justify="right", no_wrap=True)
        grid.add_column(words["index"], justify="right", no_wrap=True)
        grid.add_column(words["fcr"], justify="right", no_wrap=True)
        some = asked[start : start + across]
        for item in some:
            name = Text(_said(item.text, language, item.id))
            grid.add_column(name, justify="right", max_width=17, overflow="fold")
        for segment in scores.segments:
            mine = {item.id: item for item in segment.items}
            grid.add_row(
                Text(_called(scores, segment, language)),
                f"{segment.n:,}{'*' if SMALL <= segment.n < MARKED else ''}",
                Text(beneath(_index(segment.index), tight), _colour(segment.index))
                if segment.index
                else "",
                _stacked(segment.fcr) if segment.fcr else "",
                *(_cell(mine.get(item.id), segment.n, tight) for item in some),
                style="dim" if segment.n < SMALL else None,
            )
        yield grid


def _called(scores: Scores, segment: Segment, language: str) -> str:
    """A segment's values, by their names where they have any."""
    values = segment.values or [segment.value]
    return " × ".join(_said(scores.values.get(v, {}), language, v) for v in values)


def _cell(item: Item | None, n: int, tight: bool) -> Text:
    """A mean with its interval, under it the share or the score that goes with its question; and
    how many answered, where some did not."""
    if item is None or item.mean is None:
        return Text("")
    lines = [beneath(f"{item.mean.mean:.2f}{_between(item.mean)}", tight)]
    if item.nps:
        lines.append(f"{item.nps.nps:+.0f} ± {item.nps.margin:.0f}")
    elif share := item.ces or item.top2:
        lines.append(_stacked(share))
    lines += [f"n {item.n:,}"] * (item.n != n)
    return Text("\n".join(lines), _colour(item))


def _stacked(share: Share) -> str:
    return f"{100 * share.share:.0f}% ({100 * share.low:.0f}–{100 * share.high:.0f})"


def _mean(item: Item) -> Text:
    if item.mean is None:
        return Text("")
    spread = "" if item.mean.sd is None else f" ± {item.mean.sd:.2f}"
    return Text(f"{item.mean.mean:.2f}{spread}{_between(item.mean)}", _colour(item))


def _between(mean: Mean) -> str:
    if mean.low is None or mean.high is None:
        return ""
    return f" ({mean.low:.2f}–{mean.high:.2f})"


def _index(index: Index) -> str:
    if index.low is None or index.high is None:
        return f"{index.mean:.1f}"
    return f"{index.mean:.1f} ({index.low:.1f}–{index.high:.1f})"


def _shares(item: Item, names: dict[str, str], words: dict[str, str]) -> Text:
    if item.nps:
        return Text(f"NPS {item.nps.nps:+.1f} ± {item.nps.margin:.1f}")
    if item.ces:
        return Text(f"{_interval(item.ces)} {words['made easy']}")
    if item.yes:
        return Text(f"{_interval(item.yes)} {words['yes']}")
    if item.top2:
        return Text(f"{_interval(item.top2)} {words['top2']}")
    most = sorted(item.counts.items(), key=lambda one: -one[1])[:3]
    shown = [f"{names.get(code, code)} {_percent(n / item.n)}" for code, n in most if item.n]
    return Text("\n".join(shown))


def _interval(share: Share) -> str:
    return f"{_percent(share.share)} ({100 * share.low:.1f}–{100 * share.high:.1f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _colour(scored: object) -> str:
    return COLOURS.get(getattr(scored, "band", None) or "", "")


def _said(text: dict[str, str], language: str, name: str) -> str:
    return text.get(language) or next(iter(text.values()), name)
