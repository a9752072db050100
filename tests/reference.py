"""The two surveys the page is measured on: the reference of 18 questions, and one of 300."""

from __future__ import annotations

import random
from typing import Any

from chalicelib.survey import TYPES, AnyQuestion, Choice, Contract, Section
from chalicelib.survey.questions import (
    Consent,
    Date,
    Dropdown,
    LongText,
    Multiple,
    Nps,
    Phone,
    Rating,
    Score,
    ShortText,
    Single,
)
from tests.surveys import choices, text

LOW = text("非常不满意", "Very dissatisfied")
HIGH = text("非常满意", "Very satisfied")
ROWS = {
    "speed": text("响应速度", "Speed of response"),
    "attitude": text("服务态度", "Attitude"),
    "skill": text("专业能力", "Skill"),
    "quality": text("维修质量", "Quality of the repair"),
    "price": text("收费透明", "Clear prices"),
}


def _ratings() -> list[AnyQuestion]:
    """Five ratings under one question, where there is such a type; else one after the other."""
    shared: dict[str, Any] = {"required": True, "low_label": LOW, "high_label": HIGH}
    shared["look"] = "numbers"
    if "matrix" not in TYPES:
        return [Rating(id=f"ratings_{code}", text=said, **shared) for code, said in ROWS.items()]
    from chalicelib.survey import questions

    matrix, row = questions.Matrix, questions.Row
    title = text("请对以下方面进行评价", "Please rate each of these")
    rows = [row(code, said) for code, said in ROWS.items()]
    return [matrix(id="ratings", text=title, rows=rows, **shared)]


def reference() -> Contract:
    """The 18 questions that other makers' pages are measured with, word for word."""
    service: list[AnyQuestion] = [
        Single(
            id="service_type",
            text=text("本次服务类型", "Type of service"),
            required=True,
            choices=choices(
                onsite=("上门维修", "Repair at home"),
                store=("到店维修", "Repair at a store"),
                mail=("寄修服务", "Repair by post"),
                install=("安装调试", "Installation"),
                returned=("退换货", "Return or exchange"),
            ),
        ),
        Date(id="service_date", text=text("服务日期", "Date of service"), required=True),
        Dropdown(
            id="city",
            text=text("服务网点所在城市", "City of the service point"),
            required=True,
            choices=choices(
                bj=("北京", "Beijing"),
                sh=("上海", "Shanghai"),
                gz=("广州", "Guangzhou"),
                sz=("深圳", "Shenzhen"),
                cd=("成都", "Chengdu"),
                cq=("重庆", "Chongqing"),
                hz=("杭州", "Hangzhou"),
                wh=("武汉", "Wuhan"),
                xa=("西安", "Xi'an"),
                nj=("南京", "Nanjing"),
                su=("苏州", "Suzhou"),
                ot=("其他城市", "Another city"),
            ),
        ),
        ShortText(id="order_no", text=text("服务工单号", "Order number")),
        Multiple(
            id="channels",
            text=text("您通过哪些渠道联系到我们?", "How did you reach us?"),
            required=True,
            other=True,
            choices=choices(
                hotline=("客服热线", "Hotline"),
                wechat=("微信公众号", "WeChat"),
                web=("官方网站", "Website"),
                shop=("线下门店", "Store"),
                ecom=("电商平台", "Online shop"),
            ),
        ),
    ]
    rating: list[AnyQuestion] = [
        Single(
            id="solved",
            text=text("您的问题是否得到解决?", "Was your problem solved?"),
            required=True,
            choices=choices(
                full=("完全解决", "Completely"),
                part=("部分解决", "Partly"),
                none=("没有解决", "No"),
            ),
        ),
        *_ratings(),
        LongText(
            id="low_reason",
            text=text("很抱歉没有让您满意,请告诉我们原因", "We are sorry. Please tell us why"),
            show_if=["or", *(["<=", f"ratings_{code}", 2] for code in ROWS)],
            required=True,
        ),
        Score(
            id="overall",
            text=text("请为本次服务总体打分(1–10 分)", "Score the service overall (1–10)"),
            low_label=text("非常差", "Very poor"),
            high_label=text("非常好", "Excellent"),
            required=True,
        ),
    ]
    contact: list[AnyQuestion] = [
        Nps(
            id="nps",
            text=text("您有多大可能向亲友推荐我们?", "How likely are you to recommend us?"),
            low_label=text("完全不可能", "Not at all likely"),
            high_label=text("非常可能", "Extremely likely"),
            required=True,
        ),
        Multiple(
            id="improve",
            text=text("您认为我们最需要改进哪些方面?", "What should we improve most?"),
            show_if=["<=", "nps", 6],
            required=True,
            choices=choices(
                speed=("响应时间", "Response time"),
                manner=("沟通态度", "Manner"),
                tech=("技术水平", "Skill"),
                fee=("收费标准", "Prices"),
                parts=("配件供应", "Spare parts"),
                booking=("预约流程", "Booking"),
            ),
        ),
        LongText(id="comment", text=text("其他意见或建议", "Any other suggestion")),
        Phone(id="phone", text=text("联系电话", "Phone number"), personal=True),
        Consent(
            id="consent",
            text=text("我同意贵公司按隐私政策处理以上信息", "I agree to the privacy policy"),
            required=True,
        ),
    ]
    return Contract(
        id="after-sales-csat",
        title=text("售后服务满意度调查", "After-sales service satisfaction"),
        intro=text(
            "感谢您选择我们的服务,完成本问卷约需 2 分钟。",
            "Thank you for choosing us. This takes about 2 minutes.",
        ),
        thanks=text("提交成功,感谢您的反馈!", "Sent. Thank you for telling us!"),
        languages=["zh-CN", "en"],
        timezone="Asia/Shanghai",
        sections=[
            Section("service", service, title=text("服务信息", "The service")),
            Section("rating", rating, title=text("服务评价", "Your ratings")),
            Section("contact", contact, title=text("推荐与联系方式", "Recommendation")),
        ],
    )


def large(questions: int = 300, conditional: int = 100, seed: int = 300) -> Contract:
    """Steps of 30; a third of the questions depend on up to three of those before them.

    The second depends on the first alone, so that a tap on the first has something to show.
    """
    chance = random.Random(seed)
    depending = {1, *chance.sample(range(2, questions), conditional - 1)}
    asked: list[AnyQuestion] = []
    for number in range(questions):
        names = [each.id for each in asked if isinstance(each, Rating)]
        some = names[:1] if number == 1 else chance.sample(names, min(len(names), 3))
        shared: dict[str, Any] = {
            "id": f"q{number}",
            "text": text(f"第 {number + 1} 题：这一方面做得怎样？", f"{number + 1}. How was this?"),
            "show_if": ["or", *(["<=", name, 2] for name in some)] if number in depending else None,
        }
        kind = 0 if number == 0 else 1 if number == 1 else chance.randrange(6)
        if kind == 1:
            asked.append(LongText(**shared))
        elif kind == 2:
            offered = [Choice(code, text(f"选项 {code}", f"Choice {code}")) for code in "abcde"]
            asked.append(Single(**shared, choices=offered))
        else:
            asked.append(Rating(**shared))
    steps = [asked[start : start + 30] for start in range(0, questions, 30)]
    sections = [Section(f"s{number}", step) for number, step in enumerate(steps)]
    return Contract(
        id="large",
        title=text("三百题", "Three hundred questions"),
        languages=["zh-CN", "en"],
        timezone="Asia/Shanghai",
        sections=sections,
    )
