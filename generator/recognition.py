"""Which column of a customers' file is what: guessed from its header, kept beside the file.

    customer: "客户编号"
    name: "姓名"
    phone: "手机"
    attributes: {"tier": "客户等级"}
    fields: {"service": "服务项目"}

The guess is written to ``customers.map.yaml`` beside ``customers.xlsx``, for its owner to mend;
from then on that file is what counts. A column that nothing names is for ``--where`` alone: it goes
into no invitation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from chalicelib.columns import CUSTOMER
from chalicelib.survey import Contract
from generator.mapping import BadMapping
from generator.plain import read_plain

_SIGNS = re.compile(r"[\W_]+")

HEADERS = {
    "customer": "customer customerid customerno customernumber custid id clientid memberid account "
    "客户 客户编号 客户号 客户id 客户代码 会员号 会员编号 会员id 用户id 用户编号 编号",
    "name": "name customername fullname clientname contactname contact "
    "姓名 名字 客户姓名 客户名称 客户名 联系人 联系人姓名 称呼",
    "phone": "phone mobile cell cellphone mobilephone phonenumber mobilenumber tel telephone "
    "手机 手机号 手机号码 电话 电话号码 联系电话 联系方式 移动电话 客户电话",
    "email": "email mail emailaddress 邮箱 电子邮箱 邮箱地址 邮件 电子邮件 邮件地址",
    "wechat": "wechat openid wechatopenid wechatid 微信 微信openid 公众号openid",
    "language": "language lang locale 语言 语种",
    "channel": "preferredchannel contactchannel 联系渠道 首选渠道",
}
"""What columns are called, without signs and in lower case; earlier ones are surer."""

ATTRIBUTES = {
    "agent": "坐席 坐席工号 客服 客服人员 客服工号 工程师 服务人员 业务员 agentid",
    "team": "团队 班组 小组 部门",
    "store": "门店 门店编号 网点 店铺 店 shop branch",
    "tier": "等级 客户等级 会员等级 级别 客户级别 vip level",
    "region": "地区 区域 城市 大区 city area",
    "product": "产品 产品型号 型号 model",
    "service_type": "服务类型 业务类型 工单类型 servicetype",
}
"""What attributes are often called in files; one that is called by its own name needs no entry."""

FIELDS = {
    "service": "service servicename 服务 服务项目 服务内容",
    "day": "servicedate completedon 服务日期 完成日期",
}
"""What messages can say, beside the name and the attributes."""


class CustomerMap(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Columns by what they are."""

    customer: str | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    wechat: str | None = None
    language: str | None = None
    channel: str | None = None
    attributes: dict[str, str] = {}
    fields: dict[str, str] = {}

    def named(self) -> Iterator[tuple[str, str]]:
        """Each part and its column."""
        for part in HEADERS:
            if column := getattr(self, part):
                yield part, column
        for group in ("attributes", "fields"):
            for name, column in getattr(self, group).items():
                yield f"{group}: {name}", column


def guess(columns: Sequence[str], contract: Contract) -> CustomerMap:
    """The map that the names of the columns suggest; a column is one thing, the first that fits."""
    left = {signless: name for name in reversed(columns) if (signless := _signless(name))}
    parts = {part: _taken(left, said.split()) for part, said in HEADERS.items()}
    attributes = {
        name: column
        for name in contract.attributes
        if name != CUSTOMER
        and (column := _taken(left, [_signless(name), *ATTRIBUTES.get(name, "").split()]))
    }
    fields = {
        name: column
        for name, said in FIELDS.items()
        if name not in attributes and (column := _taken(left, said.split()))
    }
    return CustomerMap(**parts, attributes=attributes, fields=fields)


def read_map(path: Path, columns: Sequence[str], contract: Contract) -> CustomerMap:
    """A map that fits the table and the survey. Raises BadFile, or BadMapping with all problems."""
    found = read_plain(path, CustomerMap)
    has = ", ".join(filter(None, columns)) or "none"
    problems = [
        f"{path}: {part}: the table has no column {column!r} (it has: {has})"
        for part, column in found.named()
        if column not in columns
    ] + [
        f"{path}: attributes: {name}: {contract.id} declares none of this name (it has: "
        f"{', '.join(a for a in contract.attributes if a != CUSTOMER) or 'none'})"
        for name in found.attributes
        if name not in contract.attributes or name == CUSTOMER
    ]
    if problems:
        raise BadMapping("\n".join([*problems, "Mend the file, or delete it to have it guessed"]))
    return found


def beside(table: Path) -> Path:
    """Where the map of a table is kept."""
    return table.with_name(f"{table.stem}.map.yaml")


def written(found: CustomerMap, table: str) -> str:
    """The map as a file to read and mend."""
    lines = [f"# Which column of {_said(table)} is what. Mend it: from now on this file counts."]
    for part in HEADERS:
        column = getattr(found, part)
        lines.append(f"{part}: {_said(column)}" if column else f"# {part}:")
    for group in ("attributes", "fields"):
        entries = getattr(found, group)
        lines.append(f"{group}:" if entries else f"# {group}:")
        lines += [f"  {_said(name)}: {_said(column)}" for name, column in entries.items()]
    return "\n".join(lines) + "\n"


def _taken(left: dict[str, str], names: Sequence[str]) -> str | None:
    """The first of the names that is there still; it is gone then."""
    return next((left.pop(name) for name in names if name in left), None)


def _signless(header: str) -> str:
    return _SIGNS.sub("", header).casefold()


def _said(text: str) -> str:
    """A text in quotes, as YAML reads it back whatever it holds."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    signs = (sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)
    return f'"{"".join(signs)}"'
