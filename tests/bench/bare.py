"""A bare hand-written page with a survey's questions and nothing else: what ours is held against.

No draft, no sending again, no summary of problems, no languages: a form in steps that shows what
depends on an answer, as somebody in a hurry would write it for this one survey.
"""

from __future__ import annotations

import json
from html import escape

from chalicelib.survey import Contract
from chalicelib.survey.questions import AnyQuestion, Consent, Dropdown, LongText

_STYLE = """*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;
background:#f4f5f7}
form{max-width:640px;margin:auto;padding:16px}fieldset{background:#fff;border:0;border-radius:10px;
padding:14px;margin:0 0 12px;min-width:0}legend{font-weight:600;float:left;width:100%}
legend+*{clear:both}label{display:flex;align-items:center;min-height:44px;gap:10px}.s{display:grid;
grid-template-columns:repeat(6,1fr)}.t{width:100%;min-height:44px;font:inherit}button{min-height:48px;
width:49%}.j section:not(.on),[hidden]{display:none}"""

_SCRIPT = """const form = document.forms[0], steps = [...form.querySelectorAll("section")];
const [back, next] = form.querySelectorAll("button");
const parts = [...form.querySelectorAll("[data-if]")].map(e => [e, JSON.parse(e.dataset.if)]);
const given = () => {
  const answers = {};
  for (const [name, value] of new FormData(form)) (answers[name] = answers[name] || []).push(value);
  return answers;
};
const compare = {
  "<=": (a, b) => +a <= b, ">=": (a, b) => +a >= b, "<": (a, b) => +a < b, ">": (a, b) => +a > b,
  "==": (a, b) => a == b, "!=": (a, b) => a != b
};
const holds = ([operator, a, b], answers, rest) =>
  operator == "or" ? rest.some(part => holds(part, answers, part.slice(1)))
  : operator == "and" ? rest.every(part => holds(part, answers, part.slice(1)))
  : operator == "not" ? !holds(a, answers, a.slice(1))
  : operator == "answered" ? a in answers
  : a in answers && (operator == "has" ? answers[a].includes(b)
    : operator == "in" ? b.includes(answers[a][0]) : compare[operator](answers[a][0], b));
const update = () => {
  const answers = given();
  for (const [element, condition] of parts)
    element.hidden = element.disabled = !holds(condition, answers, condition.slice(1));
};
let at = 0;
const turn = to => {
  steps.forEach((step, i) => step.classList.toggle("on", i == to));
  at = to;
  back.hidden = !at;
  next.textContent = at < steps.length - 1 ? "下一步" : "提交";
  scrollTo(0, 0);
};
document.documentElement.className = "j";
form.addEventListener("input", update);
back.onclick = () => turn(at - 1);
form.noValidate = true;
form.onsubmit = event => {
  event.preventDefault();
  const answers = given();
  const missing = [...steps[at].querySelectorAll("[data-r]:not([hidden])")]
    .filter(e => !answers[e.dataset.r])[0];
  if (missing) return missing.scrollIntoView();
  if (at < steps.length - 1) return turn(at + 1);
  fetch(form.action, {method: "POST", body: JSON.stringify(answers)})
    .then(() => { form.textContent = "谢谢"; });
};
update();
turn(0);"""


def page(contract: Contract, language: str = "zh-CN") -> bytes:
    """The page, with the names and values ours has."""
    sections = "".join(
        f"<section>{''.join(_fields(q, language) for q in section.questions)}</section>"
        for section in contract.sections
    )
    title = escape(contract.title[language])
    return (
        f"<!doctype html><html lang={language}><meta charset=utf-8>"
        f'<meta name=viewport content="width=device-width,initial-scale=1"><title>{title}</title>'
        f"<link rel=icon href=data:,><style>{_STYLE}</style><form method=post action=/api>"
        f"<h1>{title}</h1>{sections}<button type=button>上一步</button><button>提交</button></form>"
        f"<script>{{{_SCRIPT}}}</script>"
    ).encode()


def _fields(question: AnyQuestion, language: str) -> str:
    """A box for each field of a question, with its text or its code."""
    texts = {f"{question.id}_{row.code}": row.text for row in getattr(question, "rows", [])}
    said = []
    for field in question.fields():
        show = f" data-if='{json.dumps(field.show_if)}'" if field.show_if else ""
        required = f" data-r={field.id}" if field.required else ""
        title = escape(texts.get(field.id, question.text)[language])
        control = _control(question, field.id, field.kind, field.rule or [], language)
        said.append(f"<fieldset{required}{show}><legend>{title}</legend>{control}</fieldset>")
    return "".join(said)


def _control(question: AnyQuestion, name: str, kind: str, rule: list[object], language: str) -> str:
    named = {choice.code: choice.text[language] for choice in getattr(question, "choices", [])}
    if kind == "scale":
        return f"<div class=s>{''.join(_tap('radio', name, n, str(n)) for n in _ends(rule))}</div>"
    if isinstance(question, Dropdown) and kind == "code":
        options = "".join(f"<option value={code}>{said}" for code, said in named.items())
        return f"<select class=t name={name}><option value=''>{options}</select>"
    if kind in ("code", "codes"):
        codes = rule[1]
        assert isinstance(codes, list)
        tap = "radio" if kind == "code" else "checkbox"
        return "".join(_tap(tap, name, code, named.get(code, str(code))) for code in codes)
    if isinstance(question, Consent):
        return _tap("checkbox", name, "true", question.text[language])
    if isinstance(question, LongText):
        return f"<textarea class=t name={name} rows=3></textarea>"
    types = {"date": " type=date", "phone": " type=tel", "email": " type=email"}
    return f"<input class=t name={name}{types.get(kind, '')}>"


def _ends(rule: list[object]) -> range:
    low, high = rule[1:3]
    assert isinstance(low, int)
    assert isinstance(high, int)
    return range(low, high + 1)


def _tap(kind: str, name: str, value: object, said: str) -> str:
    return f"<label><input type={kind} name={name} value={value}>{escape(said)}</label>"
