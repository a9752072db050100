"""Contracts for tests, built by hand: what the generator would compile, without the generator."""

from __future__ import annotations

from chalicelib.survey import Choice, Contract, Rule, Section
from chalicelib.survey.questions import (
    AnyQuestion,
    Calculated,
    Ces,
    Consent,
    Date,
    Dropdown,
    Email,
    Hidden,
    LongText,
    Matrix,
    Multiple,
    Nps,
    Number,
    Phone,
    Ranking,
    Rating,
    Row,
    Score,
    ShortText,
    Single,
    Statement,
    Upload,
    YesNo,
)
from chalicelib.survey.rules import Raw


def text(zh: str, en: str) -> dict[str, str]:
    return {"zh-CN": zh, "en": en}


def choices(**texts: tuple[str, str]) -> list[Choice]:
    return [Choice(code, text(*both)) for code, both in texts.items()]


def survey(*questions: AnyQuestion, languages: tuple[str, ...] = ("zh-CN", "en")) -> Contract:
    """A survey of one section."""
    return Contract(
        id="small",
        title=text("小问卷", "Small survey"),
        languages=list(languages),
        timezone="Asia/Shanghai",
        sections=[Section(id="all", questions=list(questions))],
    )


HAPPY: dict[str, Raw] = {
    "service_type": "repair",
    "responsiveness": 5,
    "resolution": 5,
    "attitude": 4,
    "resolved": "yes",
    "overall": 10,
}
"""Answers to ``after_sales`` that no rule is about."""


def after_sales() -> Contract:
    """The after-sales review: three sections, conditions across them, two follow-up rules."""
    service = Section(
        id="service",
        title=text("本次服务", "This service"),
        questions=[
            Single(
                id="service_type",
                text=text("您本次服务的类型是？", "What kind of service was it?"),
                required=True,
                segment=True,
                other=True,
                choices=choices(
                    repair=("维修", "Repair"),
                    advice=("咨询", "Advice"),
                    complaint=("投诉", "Complaint"),
                ),
            ),
            Single(
                id="contact_channel",
                text=text("您与客服人员沟通的渠道是？", "How did you reach us?"),
                choices=choices(
                    phone=("电话", "Phone"),
                    chat=("在线客服", "Online chat"),
                    wechat=("公众号", "WeChat"),
                    app=("APP", "App"),
                ),
            ),
        ],
    )
    ratings = Section(
        id="ratings",
        title=text("服务评价", "Your ratings"),
        questions=[
            Rating(
                id="responsiveness",
                text=text("响应及时性", "Speed of response"),
                hint=text("发起服务请求后，首次联系的时间", "Time until we first contacted you"),
                dimension="responsiveness",
                weight=0.3,
                required=True,
                na=True,
            ),
            Rating(
                id="resolution",
                text=text("问题解决能力", "Solving the problem"),
                dimension="resolution",
                weight=0.3,
                required=True,
            ),
            Rating(
                id="attitude",
                text=text("服务态度", "Attitude"),
                dimension="attitude",
                weight=0.25,
                required=True,
            ),
            Rating(
                id="process",
                text=text("流程便捷性", "Ease of the process"),
                dimension="process",
                weight=0.15,
            ),
            LongText(
                id="why_low",
                text=text(
                    "很抱歉没有让您满意，请告诉我们具体原因", "We are sorry. What went wrong?"
                ),
                show_if=[
                    "or",
                    ["<=", "responsiveness", 2],
                    ["<=", "resolution", 2],
                    ["<=", "attitude", 2],
                ],
                required=True,
            ),
            Single(
                id="contacts",
                text=text(
                    "为解决这个问题，您一共联系了我们几次？",
                    "How many times did you contact us about it?",
                ),
                role="contacts",
                choices=choices(
                    once=("1 次", "Once"),
                    twice=("2 次", "Twice"),
                    more=("3 次及以上", "Three times or more"),
                ),
            ),
            YesNo(
                id="resolved",
                text=text("您的问题解决了吗？", "Is your problem solved?"),
                role="solved",
                required=True,
            ),
        ],
    )
    closing = Section(
        id="closing",
        title=text("总体评价", "Overall"),
        questions=[
            Score(
                id="overall",
                text=text("请为本次服务整体打分", "Rate the service overall"),
                required=True,
            ),
            Nps(
                id="recommend",
                text=text("您有多大可能向亲友推荐我们？", "How likely are you to recommend us?"),
            ),
            Multiple(
                id="improve",
                text=text("您认为我们在哪些方面需要改进？", "What should we improve?"),
                show_if=["or", ["<=", "recommend", 6], ["<=", "overall", 6]],
                other=True,
                choices=choices(
                    speed=("响应速度", "Speed"),
                    skill=("专业知识", "Knowledge"),
                    attitude=("服务态度", "Attitude"),
                    solving=("问题解决能力", "Problem solving"),
                ),
            ),
            LongText(
                id="suggestion",
                text=text("您对本次服务还有其他建议吗？", "Any other suggestion?"),
            ),
            YesNo(
                id="call_me",
                text=text("是否希望我们回访您？", "May we call you back?"),
                show_if=["or", ["<=", "overall", 6], ["==", "resolved", "no"]],
            ),
            Phone(
                id="phone",
                text=text("联系电话", "Phone number"),
                show_if=["==", "call_me", "yes"],
                personal=True,
                required=True,
            ),
        ],
    )
    return Contract(
        id="after-sales",
        title=text("售后服务评价", "After-sales service review"),
        intro=text(
            "感谢您选择我们的服务，完成本问卷约需 1 分钟。",
            "Thank you for choosing us. This takes about one minute.",
        ),
        thanks=text("感谢您的反馈！", "Thank you for telling us."),
        languages=["zh-CN", "en"],
        timezone="Asia/Shanghai",
        attributes=["customer", "agent", "team", "store", "tier"],
        sections=[service, ratings, closing],
        follow_ups=[
            Rule(
                id="unresolved",
                when=["or", ["==", "resolved", "no"], ["<=", "overall", 4]],
                title=text("问题未解决，需回访", "Not solved. Call back"),
                priority="urgent",
                first_contact_within=60,
                resolve_within=24 * 60,
                verify_with="service-recovery",
            ),
            Rule(
                id="detractor",
                when=["<=", "recommend", 6],
                title=text("贬损者回访", "Detractor call-back"),
                priority="high",
                assign_to="agent",
            ),
        ],
    )


def kitchen_sink() -> Contract:
    """Every question type, every option of the page, and an early end."""
    return Contract(
        id="kitchen-sink",
        title=text("全部题型", "Every type"),
        languages=["zh-CN", "en"],
        timezone="Asia/Shanghai",
        sections=[
            Section(
                id="choosing",
                title=text("选择", "Choosing"),
                questions=[
                    Statement(id="welcome", text=text("您好，感谢参与。", "Hello and thank you.")),
                    Hidden(id="source", default="link"),
                    Single(
                        id="one",
                        text=text("选一项", "Choose one"),
                        choices=choices(a=("甲", "A"), b=("乙", "B"), c=("丙", "C")),
                        required=True,
                        other=True,
                    ),
                    Dropdown(
                        id="list",
                        text=text("从列表选", "Choose from the list"),
                        choices=choices(north=("北区", "North"), south=("南区", "South")),
                        other=True,
                    ),
                    Multiple(
                        id="many",
                        text=text("选两到三项", "Choose two or three"),
                        choices=[
                            *choices(x=("红", "Red"), y=("绿", "Green"), z=("蓝", "Blue")),
                            Choice("b_only", text("仅乙", "Only with B"), ["==", "one", "b"]),
                        ],
                        least=2,
                        most=3,
                        other=True,
                    ),
                    Ranking(
                        id="order",
                        text=text("按重要性排序", "Put in order"),
                        choices=choices(
                            speed=("速度", "Speed"),
                            price=("价格", "Price"),
                            care=("态度", "Care"),
                            parts=("配件", "Parts"),
                        ),
                        most=3,
                    ),
                    YesNo(id="go_on", text=text("继续吗？", "Go on?")),
                ],
                end_if=["==", "go_on", "no"],
            ),
            Section(
                id="scales",
                title=text("评分", "Scales"),
                questions=[
                    Rating(id="stars", text=text("星级", "Stars"), na=True, required=True),
                    Rating(id="faces", text=text("表情", "Faces"), look="faces"),
                    Rating(id="numbers", text=text("数字", "Numbers"), look="numbers", scale=10),
                    Matrix(
                        id="ratings",
                        text=text("请逐项评价", "Rate each"),
                        rows=[
                            Row("speed", text("速度", "Speed"), "speed", 0.5),
                            Row("care", text("态度", "Care"), "care", 0.5),
                        ],
                        na=True,
                    ),
                    Score(
                        id="score",
                        text=text("十分制", "Out of ten"),
                        low_label=text("很差", "Poor"),
                        high_label=text("很好", "Great"),
                        na=True,
                    ),
                    Nps(id="nps", text=text("推荐", "Recommend")),
                    Ces(id="ces", text=text("轻松解决", "Made it easy")),
                    Calculated(
                        id="average", value=["mean", "ratings_speed", "ratings_care", "stars"]
                    ),
                ],
            ),
            Section(
                id="typing",
                title=text("填写", "Typing"),
                show_if=["answered", "stars"],
                questions=[
                    Number(id="age", text=text("年限", "Years"), least=0, most=120),
                    Number(
                        id="price", text=text("价格", "Price"), least=0, most=1000000, decimals=2
                    ),
                    Date(id="day", text=text("日期", "Day"), first="2020-01-01", last="2029-12-31"),
                    ShortText(id="title", text=text("标题", "Title"), least=2, most=20),
                    LongText(
                        id="story", text=text("说明", "Story"), hint=text("写几句", "A few words")
                    ),
                    Phone(id="tel", text=text("电话", "Phone"), personal=True),
                    Email(id="mail", text=text("邮箱", "E-mail"), personal=True),
                    Consent(
                        id="agree",
                        text=text("我同意贵公司就此与我联系", "I agree to be contacted about this"),
                        required=True,
                    ),
                    Upload(
                        id="photo",
                        text=text("照片", "Photo"),
                        accept=["image/png", "application/pdf"],
                        most=2,
                    ),
                ],
            ),
        ],
    )
