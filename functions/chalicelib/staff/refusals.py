"""Why a request of staff's is refused: the codes, and the words for them.

``functions/README.md`` shows each with an example. What the API says to everybody (``malformed``,
``too_large``, ``unavailable``) is in ``collecting`` and the kernel's words.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..collecting import JSON, REFUSALS, Reply
from ..survey import EchoformError
from ..survey.words import nearest
from ..survey.words import say as said

HEADERS = {"Content-Type": JSON, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

STATUS = {
    "no_token": 401,
    "expired": 401,
    "revoked": 401,
    "not_allowed_to": 403,
    "taken": 403,
    "not_found": 404,
    "stale": 409,
    "illegal_move": 409,
    "not_valid": 422,
}

WORDS: dict[str, dict[str, str]] = {
    "zh-CN": {
        "no_token": "请先登录",
        "expired": "登录已过期，请重新登录",
        "revoked": "您的登录已被撤销，请联系管理员",
        "not_allowed_to": "您没有权限进行此操作",
        "not_found": "没有这条跟进",
        "stale": "其他人刚刚处理过这条跟进，请查看最新情况",
        "taken": "这条跟进现已由其他人负责",
        "illegal_move": "当前状态下不能这样操作",
        "not_valid": "请求中有不正确的内容",
    },
    "en": {
        "no_token": "Sign in first",
        "expired": "Your session has expired. Sign in again",
        "revoked": "Your access was revoked. Ask an administrator",
        "not_allowed_to": "You are not allowed to do this",
        "not_found": "There is no such follow-up",
        "stale": "Somebody else has just moved this follow-up. Look at it as it is now",
        "taken": "This follow-up is somebody else's now",
        "illegal_move": "This is not possible as things stand",
        "not_valid": "Something in the request is not valid",
    },
}


class Denied(EchoformError):
    """A request is refused. ``more`` stands beside the code in the body."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


def spoken(language: str) -> str:
    """Which of our languages somebody reads who asks for this one."""
    found = nearest(language, WORDS)
    return found if found in WORDS else "zh-CN"  # who reads the other Chinese reads this


def body(code: str, language: str, more: dict[str, Any]) -> dict[str, Any]:
    """An error as every error of ours looks, and what else this one says."""
    message = WORDS[spoken(language)][code] if code in STATUS else said(language, code)
    return {"error": code, "message": message, "problems": [], **more}


def refusal(denied: Denied, language: str) -> Reply:
    status = STATUS.get(denied.code) or REFUSALS[denied.code]
    headers = HEADERS | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    data = msgspec.json.encode(body(denied.code, language, denied.more))
    return Reply(status, data, headers, denied.code)
