"""What columns mean: guessed from their headers, kept beside the file, mended there."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.mapping import BadMapping
from generator.plain import BadFile, read_plain
from generator.recognition import CustomerMap, beside, guess, read_map, written
from tests.surveys import after_sales

SURVEY = msgspec.structs.replace(
    after_sales(), attributes=["customer", "agent", "team", "store", "tier", "service_type"]
)


@pytest.mark.parametrize(
    ("columns", "means"),
    [
        (
            ["客户编号", "客户姓名", "手机号码", "电子邮箱", "客户等级", "门店", "备注"],
            CustomerMap(
                customer="客户编号",
                name="客户姓名",
                phone="手机号码",
                email="电子邮箱",
                attributes={"store": "门店", "tier": "客户等级"},
            ),
        ),
        (
            ["Customer ID", "Full_Name", "Mobile Phone", "E-mail", "Agent", "Service-Type"],
            CustomerMap(
                customer="Customer ID",
                name="Full_Name",
                phone="Mobile Phone",
                email="E-mail",
                attributes={"agent": "Agent", "service_type": "Service-Type"},
            ),
        ),
        (
            ["姓名", "手机", "电话", "服务项目", "首选渠道", "语言"],
            CustomerMap(
                name="姓名",
                phone="手机",  # surer than 电话, which may be a landline
                channel="首选渠道",
                language="语言",
                fields={"service": "服务项目"},
            ),
        ),
        # By what channel somebody complained is not by what they want to be asked.
        (["渠道", "openid"], CustomerMap(wechat="openid")),
        (["x", "", " "], CustomerMap()),
    ],
)
def test_columns_are_recognised_by_their_names(columns: list[str], means: CustomerMap) -> None:
    assert guess(columns, SURVEY) == means


def test_what_is_kept_is_what_was_guessed(tmp_path: Path) -> None:
    columns = ["客户编号", "手机", "tier", "服务"]
    path = beside(tmp_path / "june.xlsx")
    path.write_text(written(guess(columns, SURVEY), "june.xlsx"), "utf-8")
    assert path.name == "june.map.yaml"
    assert read_map(path, columns, SURVEY) == guess(columns, SURVEY)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(names, names, names)
def test_no_column_is_called_so_that_the_kept_map_reads_otherwise(
    tmp_path_factory: pytest.TempPathFactory, phone: str, field: str, table: str
) -> None:
    """A header may hold quotes, line ends, YAML, or nothing that prints."""
    means = CustomerMap(phone=phone, fields={"service": field}, attributes={"tier": phone})
    path = tmp_path_factory.mktemp("maps") / "map.yaml"
    path.write_text(written(means, table), "utf-8")
    assert read_plain(path, CustomerMap) == means


def test_a_map_that_names_what_is_not_there_lists_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("phone: 电话\nattributes: {shop: 门店, customer: 编号}\n", "utf-8")
    with pytest.raises(BadMapping) as bad:
        read_map(path, ["手机", "门店", "编号"], SURVEY)
    assert "phone: the table has no column '电话' (it has: 手机, 门店, 编号)" in str(bad.value)
    assert "shop: after-sales declares none of this name (it has: agent, team" in str(bad.value)
    assert "attributes: customer" in str(bad.value)
    path.write_text("telephone: 手机\n", "utf-8")
    with pytest.raises(BadFile, match="telephone"):
        read_map(path, ["手机"], SURVEY)
