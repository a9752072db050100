"""The data dictionary of a survey: every column, what it holds and what its codes mean, in Chinese,
in English and in the survey's own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chalicelib import break_offs, columns, keys
from chalicelib.columns import Column, agreed, na
from chalicelib.counting import TALLIES
from chalicelib.follow_ups import landing as follow_ups
from chalicelib.invitations import landing
from chalicelib.survey import Contract
from chalicelib.survey.questions import Text
from chalicelib.views import DAY
from generator import codebook
from generator.catalog import AUDIT, SURVEY
from generator.glue import TYPES

FIXED = {
    "response": ("答卷编号（ULID），一份答卷一行", "The response's id, a ULID; one row each"),
    "received_at": ("收到的时刻（UTC）", "When it was received, UTC"),
    "hour": ("作答的小时（问卷时区，0–23）", "The hour it was given, 0–23, where the survey is"),
    "version": ("作答时的问卷版本", "The version that was answered"),
    "language": ("作答语言", "The language it was answered in"),
    "channel": ("渠道", "How the customer was asked"),
    "duration": ("用时（秒）", "Seconds from opening to sending"),
    "link": ("链接代码的哈希", "Hash of the link's code"),
    "entered_by": ("代为录入的人员代码", "Who entered it, as a code"),
    "recording_consent": ("是否同意录音", "Whether a recording was agreed to"),
    "index": ("综合指数，0–100", "The weighted score, 0–100"),
    "digest": ("答案的摘要", "Digest of the answers"),
    "straight_line": ("标记：同一量表至少 5 题全部同分", "Flag: 5 ratings or more, all the same"),
    "gibberish": ("标记：文字无意义", "Flag: a text that says nothing"),
    "one_character": ("标记：只写了一个无义字符", "Flag: one character that is no word"),
    "honeypot": ("标记：填写了人看不见的字段", "Flag: a field that people do not see was filled"),
    "too_fast": ("标记：快得不像人手", "Flag: faster than a hand"),
    "plain": ("由无脚本的表单提交", "Sent by a form without script"),
    "late": ("收到较晚（手机离线），不影响评分", "Received late: the phone was offline. No doubt"),
    "dt": ("答卷日期（分区，文本）", "The day, as text; the partition"),
    "customer": ("客户：此表为化名，contacts 中为原值", "A pseudonym; the value is in contacts"),
    "survey": ("问卷编号", "The survey's id"),
    "segment_key": ("细分维度，空为全体", "What answers are cut by; empty: everybody"),
    "segment_value": ("细分取值", "The segment's value"),
    "item": ("被计数的题目或派生项", "The question counted, or what is derived"),
    "value": ("取值", "Its value"),
    "flagged": ("是否被标记", "Whether they are flagged"),
    "n": ("人数", "How many"),
    "total": ("合计（指数为十亿分之一分）", "Sum; of the index in thousand-millionths"),
    "total_x": ("评分对中前一题的合计", "Of a pair of ratings: the sum of the first"),
    "total_y": ("评分对中后一题的合计", "Of a pair of ratings: the sum of the second"),
    "campaign": ("邀请批次", "The campaign"),
    "invitation": ("邀请编号", "The invitation's id"),
    "stratum": ("抽样层", "The stratum of the sample"),
    "planned_at": ("计划时间", "When the campaign was planned"),
    "send_at": ("应发送时间", "When it was to be sent"),
    "noticed_at": ("预告时间", "When the notice was sent"),
    "sent_at": ("发送时间", "When the invitation was sent"),
    "delivered_at": ("送达时间", "When it was delivered"),
    "opened_at": ("打开时间", "When the page was first opened"),
    "answered_at": ("作答时间", "When it was answered"),
    "bounced_at": ("退回时间", "When it came back"),
    "opted_out_at": ("退订时间", "When the customer opted out"),
    "expired_at": ("过期时间", "When its deadline passed"),
    "reminders": ("提醒次数", "How many reminders were sent"),
    "reminded_at": ("最近提醒时间", "When the last of them was"),
    "state": ("状态", "How far it came"),
    "disposition": ("AAPOR 结果分类", "How it ended, to AAPOR"),
    "happened_at": ("发生时间", "When it happened"),
    "who": ("操作者", "Who did it"),
    "what": ("操作", "What was done"),
    "facts": ("详情（JSON）", "Details, as JSON"),
    "field": ("列名", "The column of answers"),
    "position": ("次序", "Its place in order"),
    "section": ("所属部分", "The section"),
    "section_title": ("部分标题", "The section's title"),
    "question": ("题目编号", "The question's id"),
    "type": ("题型；other 为“其他”的文字", "The type; other: the text of “other”"),
    "text": ("题目文字", "The question's text"),
    "hint": ("提示", "Its hint"),
    "dimension": ("维度", "The dimension it measures"),
    "dimension_title": ("维度名称", "The dimension's title"),
    "weight": ("权重", "What it weighs in the index"),
    "low": ("量表最低分", "The scale's low end"),
    "high": ("量表最高分", "The scale's high end"),
    "low_label": ("最低分的说明", "What the low end is called"),
    "high_label": ("最高分的说明", "What the high end is called"),
    "required": ("是否必答", "Whether it must be answered"),
    "personal": ("是否个人信息", "Whether it is personal"),
    "text_hash": ("同意书文字的哈希", "Hash of a consent's text"),
    "code": ("代码", "The code stored"),
    "label": ("名称", "What it is called"),
}
"""Every column that is not a survey's own."""

FOLLOWED: dict[str, tuple[str, str]] = {
    "follow_up": ("回访单编号", "The follow-up's id"),
    "response": (
        "所由来的答卷；客户资料删除后为空",
        "Its response; null once the person is erased",
    ),
    "rule": ("触发它的规则", "The rule that opened it"),
    "priority": ("优先级", "Its priority"),
    "kind": ("可联系（call）或无从联系（no_contact）", "Whether there is anybody to call"),
    "state": ("现在的状态", "How it stands now"),
    "agent": ("当时服务的人员", "Who had served the customer"),
    "team": ("所属班组；事件中为转给的班组", "Whose service it was; of an event: to which team"),
    "assignee": ("现由谁处理", "Who has it"),
    "assigned_to_team": ("现由哪个班组处理", "In which team's queue it is"),
    "language": ("作答语言", "The language it was answered in"),
    "detractor": ("是否贬损者；未答推荐题为空", "Would not recommend us; null if not asked"),
    "received_at": ("收到答卷的时刻（UTC）", "When the answer was received, UTC"),
    "opened_at": ("开单时间", "When the follow-up was opened"),
    "first_contact_due": (
        "首次联系期限（重开后为新期限）",
        "First contact due, by its present clock",
    ),
    "contacted_at": ("本轮首次联系上的时间", "When the customer was first spoken to, this round"),
    "first_contact_on_time": (
        "是否按时联系上；未定为空，未联系上即结束为否",
        "In time; null while that is open, false where it ended without",
    ),
    "resolve_due": ("解决期限", "Solution due"),
    "resolved_at": ("本轮解决时间", "When it was resolved, this round"),
    "resolved_on_time": ("是否按时解决；未定为空", "In time; null while that is open"),
    "closed_at": ("关闭时间", "When it was closed"),
    "attempts": ("联系次数", "How often somebody tried to reach them"),
    "reopened": ("重开次数", "How often it was opened again"),
    "escalated": ("本轮升级到", "To whom it was escalated, this round"),
    "verification_sent_at": ("回访问卷发出时间", "When the customer was asked whether it helped"),
    "verification_reminded_at": ("回访问卷提醒时间", "When they were reminded"),
    "verification_response": ("客户对回访的答卷编号", "The response in which they said"),
    "outcome": ("结果；事件中为通话结果", "How it was closed; of an event: how the call ended"),
    "erased": ("客户资料已删除，仅供计数", "The person was erased: for counting only"),
    "number": ("事件序号，从 1 起", "The event's number, from 1"),
    "happened_at": ("发生时间", "When it happened"),
    "who": ("谁做的；system 为系统", "Who did it, or `system`"),
    "what": ("动作", "The move"),
    "assigned_to": ("转给谁或升级到谁", "To whom it was given or escalated"),
    "channel": ("联系方式", "How they were called"),
    "reason": ("系统给出的原因；人写的文字不在此", "Why, if the system says; no text of people"),
}
"""Columns of follow-ups and of their events."""

LEFT: dict[str, tuple[str, str]] = {
    "version": ("离开时所答的问卷版本", "The version they were answering"),
    "language": ("页面语言", "The language of their page"),
    "question": ("离开前最后作答的题目编号", "The last question they answered before they left"),
    "n": ("至今未返回提交的人数", "How many did not come back to send it"),
    DAY.name: ("离开的日期（分区，文本）", "The day they left, as text; the partition"),
}
"""Columns of break-offs."""

VIEWS = {
    "answers": ("长表：每个答案一行", "Long: a row for each answer"),
    "ratings": ("评分长表，含量表与维度", "Its ratings, with scale and dimension"),
    "labels": ("代码的现用名称，每种语言一列", "What codes are called now, by language"),
    "flags": ("每个标记一行", "A row for each flag"),
    "tallies": ("计数", "Its tallies"),
}

Line = tuple[str, str, str, str]


def dictionary(versions: Sequence[Contract]) -> str:
    """Markdown. Columns of all versions; in the words of the latest that has them."""
    contract = versions[-1]
    said = {line[0]: line for version in versions for line in _asked(version)}
    followed = said | {name: (name, *words, "") for name, words in FOLLOWED.items()}
    followed |= {DAY.name: (DAY.name, "开单日期（分区，文本）", "The day it was opened", "")}
    left = {name: (name, *words, "") for name, words in LEFT.items()}
    shared = (
        ("questions", codebook.QUESTIONS),
        ("labels", codebook.LABELS),
        ("tallies", (SURVEY, *TALLIES, DAY)),
        ("audit", (*AUDIT, DAY)),
    )
    views = [
        f"| `{keys.table(kind, contract.id)}` | {zh} | {en} |" for kind, (zh, en) in VIEWS.items()
    ]
    parts = [
        f"# {_cell(_both(contract.title))}\n\n`{contract.id}`, {contract.version}"
        f" ({', '.join(contract.languages)}; {contract.timezone})",
        _table(keys.table(keys.RESPONSES, contract.id), (*columns.responses(versions), DAY), said),
        _table(keys.table(keys.CONTACTS, contract.id), (*columns.contacts(versions), DAY), said),
        _table(keys.table(keys.INVITATIONS, contract.id), (*landing.table(versions), DAY), said),
        *(
            _table(keys.table(table, contract.id), (*known, DAY), followed)
            for table, known in (
                (keys.FOLLOW_UPS, follow_ups.table(versions)),
                (keys.FOLLOW_UP_EVENTS, follow_ups.EVENTS),
            )
        ),
        _table(keys.table(keys.BREAK_OFFS, contract.id), (*break_offs.COLUMNS, DAY), left),
        *(_table(name, known, {}) for name, known in shared),
        "\n".join(["## 视图 / Views\n", "| view | 说明 | holds |", "|---|---|---|", *views]),
    ]
    return "\n\n".join(parts) + "\n"


def _table(name: str, known: Iterable[Column], said: dict[str, Line]) -> str:
    lines = [
        f"## `{name}`",
        "",
        "| column | type | 说明 | holds | codes |",
        "|---|---|---|---|---|",
    ]
    for column in known:
        zh, en, codes = said.get(column.name, ("", *FIXED.get(column.name, ("", "")), ""))[1:]
        kind = TYPES[column.type]
        lines.append(f"| `{column.name}` | {kind} | {_cell(zh)} | {_cell(en)} | {_cell(codes)} |")
    return "\n".join(lines)


def _asked(contract: Contract) -> Iterator[Line]:
    """What a survey's own columns hold: attributes and questions."""
    for name in contract.attributes:
        if name != columns.CUSTOMER:
            yield name, "链接所知的属性", "What the link knows", ""
    for question in contract.questions:
        for field in question.fields():
            zh, en = _words(question.text)
            if field.id != question.id:
                zh, en = f"{zh}（其他，请说明）", f"{en} (other, please say)"
            yield field.id, zh, en, _codes(contract, field.id, field.rule or [""])
            yield na(field.id), f"{zh}（不适用）", f"{en} (not applicable)", ""
            yield agreed(field.id), f"{zh}（同意书文字的哈希）", f"{en} (hash of its text)", ""


def _codes(contract: Contract, field: str, rule: Sequence[object]) -> str:
    if rule[0] == "scale":
        return f"{rule[1]}–{rule[2]}"
    named: dict[str, dict[str, str]] = {}
    for row in codebook.labels(contract):
        if row["field"] == field:
            named.setdefault(str(row["code"]), {})[str(row["language"])] = str(row["label"])
    return "; ".join(f"{code} = {_both(text)}" for code, text in named.items())


def _words(text: Text) -> tuple[str, str]:
    first = next(iter(text.values()), "")
    return text.get("zh-CN", first), text.get("en", first)


def _both(text: Text) -> str:
    return " / ".join(dict.fromkeys(text.values()))


def _cell(said: str) -> str:
    """A text in a cell of a Markdown table: neither a cell's end, a line's, nor HTML."""
    plain = said.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return " ".join(plain.split())
