"""What the software itself says to a respondent, in every language it speaks.

Kept as data in the kernel because page, form reply and API say the same words. ``{name}`` is filled
from a problem's facts. A language that is not here is spoken to in the nearest one,
else in English.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

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
        "forbidden": "请通过本网站访问此服务",
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
    "zh-TW": {
        "required": "請回答此題",
        "type": "答案格式不正確，請重新作答",
        "choice": "請從列出的選項中選擇",
        "number": "請輸入數字",
        "range": "請輸入介於 {low} 到 {high} 的數字",
        "decimals": "小數點後最多 {decimals} 位",
        "date": "請輸入正確的日期，例如 2026-05-17",
        "days": "日期必須介於 {first} 與 {last} 之間",
        "short": "請至少輸入 {least} 個字",
        "long": "最多 {most} 個字，請精簡內容",
        "phone": "請輸入有效的電話號碼，例如 0912345678",
        "email": "請輸入有效的電子郵件地址，例如 name@example.com",
        "upload": "檔案已失效，請移除後重新上傳",
        "file_kind": "不支援此檔案格式，請上傳：{kinds}",
        "file_large": "檔案不能超過 {largest} MB",
        "few": "請至少選擇 {least} 項",
        "many": "最多可選 {most} 項",
        "hidden": "此題並未顯示，不需作答",
        "unknown": "問卷中沒有這一題",
        "malformed": "無法讀取送出的內容",
        "forbidden": "請透過本網站使用此服務",
        "not_found": "找不到這份問卷",
        "stale_version": "問卷已更新，請重新整理頁面後再送出，您的答案會保留",
        "bad_id": "回覆編號無效，請重新開啟頁面",
        "clock": "手機的時間不正確，請校正後再試一次",
        "already_answered": "您已填寫過這份問卷",
        "gone": "問卷已結束，或連結已失效",
        "too_large": "送出的內容過大",
        "unsupported": "不支援此內容類型",
        "not_allowed": "不支援這種請求方式",
        "problems": "有些題目需要修改",
        "busy": "目前填寫人數較多，請稍後再試",
        "go_back": "請按瀏覽器的「上一頁」回到問卷修改，您的答案都還在。",
        "unavailable": "服務暫時無法使用，請稍後再試，您的答案會保留",
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
        "forbidden": "This service is asked through its site alone",
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


def nearest(language: str, known: Container[str]) -> str:
    """The language itself where it is known, else one its readers read, else English."""
    first, _, rest = language.partition("-")
    if language in known:
        return language
    if first == "zh":
        return "zh-TW" if rest[:4] in ("Hant", "TW", "HK", "MO") else "zh-CN"
    return first if first in known else "en"


def say(language: str, code: str, facts: Mapping[str, object] | None = None) -> str:
    """The words for a code, in the respondent's language or the nearest one."""
    return WORDS[nearest(language, WORDS)][code].format(**(facts or {}))
