"""What the software itself says to a respondent, in every language it speaks.

Kept as data in the kernel because page, form reply and API say the same words. ``{name}`` is filled
from a problem's facts. A language that is not here is spoken to in English.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS: dict[str, dict[str, str]] = {
    "zh-CN": {
        # problems with one answer
        "required": "请回答此题",
        "type": "答案的格式不对，请重新回答",
        "choice": "请选择列出的选项",
        "number": "请输入数字",
        "range": "请输入 {low} 到 {high} 之间的数",
        "decimals": "最多保留 {decimals} 位小数",
        "date": "请输入真实的日期，如 2026-05-17",
        "days": "日期须在 {first} 与 {last} 之间",
        "short": "请至少输入 {least} 个字",
        "long": "最多 {most} 个字，请删减",
        "phone": "请输入有效的电话号码，如 13800138000",
        "email": "请输入有效的邮箱地址，如 name@example.com",
        "few": "请至少选择 {least} 项",
        "many": "最多选择 {most} 项",
        "upload": "文件已失效，请移除后重新上传",
        "file_kind": "文件格式不支持，请上传：{kinds}",
        "file_large": "文件不能超过 {largest} MB",
        "hidden": "此题未显示，不应有答案",
        "unknown": "问卷中没有此题",
        # refusals of a whole submission
        "malformed": "无法读取提交的内容",
        "not_found": "没有找到这份问卷",
        "not_allowed": "不支持这种请求方式",
        "stale_version": "问卷已更新，请刷新页面后重新提交，您的答案会保留",
        "bad_id": "答卷编号无效，请重新打开页面",
        "clock": "手机时间不准确，请校准后重试",
        "already_answered": "您已经提交过答卷",
        "gone": "问卷已结束或链接已失效",
        "too_large": "提交的内容过大",
        "unsupported": "不支持的内容类型",
        "problems": "有些题目需要修改",
        "busy": "提交的人太多，请稍后再试",
        "go_back": "请用浏览器的“返回”键回到问卷修改，您的答案仍在。",
        "unavailable": "服务暂时不可用，请稍后再试，您的答案会保留",
    },
    "en": {
        "required": "Answer this question",
        "type": "This answer has the wrong form; answer again",
        "choice": "Choose one of the answers listed",
        "number": "Enter a number",
        "range": "Enter a number from {low} to {high}",
        "decimals": "Use at most {decimals} decimal places",
        "date": "Enter a real date, like 2026-05-17",
        "days": "Enter a date between {first} and {last}",
        "short": "Enter at least {least} characters",
        "long": "Use at most {most} characters",
        "phone": "Enter a telephone number, like +44 20 7946 0000",
        "email": "Enter an e-mail address, like name@example.com",
        "few": "Choose at least {least}",
        "many": "Choose at most {most}",
        "upload": "A file is no longer there. Remove it and upload it again",
        "file_kind": "Upload a file of one of these kinds: {kinds}",
        "file_large": "A file may have at most {largest} MB",
        "hidden": "This question was not shown, so it takes no answer",
        "unknown": "This survey has no such question",
        "malformed": "The submission could not be read",
        "not_found": "There is no such survey",
        "not_allowed": "This address does not take such a request",
        "stale_version": "The survey has changed. Reload the page; your answers are kept",
        "bad_id": "The response id is not valid. Open the page again",
        "clock": "This device's clock is wrong. Set it and try again",
        "already_answered": "You have already answered",
        "gone": "This survey has closed or the link has expired",
        "too_large": "The submission is too large",
        "unsupported": "This type of content is not accepted",
        "problems": "Some answers need to be changed",
        "busy": "Too many people are answering. Try again in a moment",
        "go_back": "Use your browser's Back button to return to your answers.",
        "unavailable": "The service is not available. Try again in a moment; your answers are kept",
    },
}


def say(language: str, code: str, facts: Mapping[str, object] | None = None) -> str:
    """The words for a code, in the respondent's language or English."""
    words = WORDS.get(language, WORDS["en"])
    return words[code].format(**(facts or {}))
