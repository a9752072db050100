"""Templates of messages: those that ship, and the author's own in ``messages/`` by ``site.yaml``.

An author's own take the place of those of the same name, or add a language. All of them are checked
where they were written, and tried once: a reminder is written at night, where nobody can mend it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from traceback import extract_tb

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from chalicelib.messages import ASKING, FIELDS, KINDS, parted, required, writing
from generator.findings import listed, meant
from generator.places import TEMPLATES
from generator.plain import BadFile

CHANNELS = ("email", "sms", "wechat")
"""Those with templates of their own; webhooks say what text messages say."""
_SHIPPED = TEMPLATES / "messages"
_NAME = re.compile(
    rf"({'|'.join(KINDS)})/({'|'.join(CHANNELS)})\.([a-z]{{2,3}}(?:-[A-Za-z0-9]{{2,8}})*)\.(txt|html)"
)
_PART = re.compile(r"_[a-z0-9_-]+\.(txt|html)")
"""What other templates extend or include."""


@cache
def shipped() -> Mapping[str, str]:
    """The templates that ship, by their names."""
    return dict(_read(_SHIPPED))


def together(own: Mapping[str, str]) -> dict[str, str]:
    """All templates of a site. HTML that ships goes where the author wrote the text beside it."""
    replaced = {name.removesuffix("txt") + "html" for name in own if name.endswith(".txt")}
    kept = {name: text for name, text in shipped().items() if name not in replaced}
    return {**kept, **own}


def read_messages(folder: Path, fields: tuple[str, ...]) -> dict[str, str]:
    """The author's own templates, checked. Raises BadFile, which tells every problem."""
    try:
        own = dict(_read(folder))
    except UnicodeDecodeError:
        raise BadFile(f"{folder}: a template is not UTF-8; save it as UTF-8") from None
    found = together(own)
    problems = [f"{folder / name}{at}" for name in own for at in _problems(name, found, fields)]
    if problems:
        raise BadFile("\n".join(problems))
    return own


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix(), path.read_text("utf-8")


def _problems(name: str, found: Mapping[str, str], own: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with a template, after its file's name: ``:3: …``."""
    part, named = _PART.fullmatch(name), _NAME.fullmatch(name)
    if not part and not named:
        yield (
            ": such a template is never used; call it KIND/CHANNEL.LANGUAGE.txt, where KIND is "
            f"{listed(KINDS)} and CHANNEL {listed(CHANNELS)}; e-mail may have .html beside it"
        )
        return
    environment = writing(found)
    try:
        tree = environment.parse(found[name], name)
        environment.compile(tree, name)
    except TemplateSyntaxError as error:
        yield f":{error.lineno}: {error.message}"
        return
    strange = list(_strange(tree, [*FIELDS, *own]))
    yield from strange
    for other in find_referenced_templates(tree):
        if other not in found:
            strange.append(f":1: it extends or includes {other!r}, and there is no such template")
            yield strange[-1]
    if named and not strange:
        yield from _unfit(name, named, environment, found, own)


def _strange(tree: nodes.Template, known: list[str]) -> Iterator[str]:
    unknown = find_undeclared_variables(tree) - set(known)
    for each in tree.find_all(nodes.Name):
        if each.name in unknown:
            unknown.discard(each.name)
            yield f":{each.lineno}: `{each.name}` is no field, {meant(each.name, known)}"


def _unfit(
    name: str,
    named: re.Match[str],
    environment: Environment,
    found: Mapping[str, str],
    own: tuple[str, ...],
) -> Iterator[str]:
    """What a template that can be read lacks, and what goes wrong when it is filled."""
    kind, channel, language, ending = named.groups()
    text = f"{name.removesuffix('.html')}.txt" if ending == "html" else name
    if ending == "html" and (channel != "email" or text not in found):
        yield f": HTML goes with the text of an e-mail; write {text} too, which has the subject"
        return
    said = _named(name, environment, found)
    wanted = required(kind) if channel != "wechat" else ("link",) if kind in ASKING else ()
    for field in wanted:
        if field not in said:
            yield f":1: every message of this kind says `{{{{ {field} }}}}`, and this one does not"
    if channel == "email" and ending == "txt" and not found[name].startswith("Subject:"):
        yield ":1: the text of an e-mail begins with a line `Subject: …`"
    if channel == "wechat" and not found[name].startswith("template:"):
        yield ":1: WeChat's begin with a line `template: …`, one of `templates` in site.yaml"
    for filled in (dict.fromkeys([*FIELDS, *own], ""), samples(language, own)):
        try:
            written = environment.get_template(name).render(filled)
        except Exception as error:  # whatever a template may raise
            yield f":{_line_of(error)}: it cannot be filled: {error}"
            return
    if channel == "email" and ending == "txt" and not parted(written)[0]:
        yield ":1: the subject is empty"


def _line_of(error: Exception) -> int:
    """Where in a template it happened; its first line where that is not known."""
    frames = [each for each in extract_tb(error.__traceback__) if each.filename == "<template>"]
    return (frames[-1].lineno if frames else None) or 1


def _named(name: str, environment: Environment, found: Mapping[str, str]) -> set[str]:
    """The fields that a template names, or what it extends and includes."""
    fields: set[str] = set()
    seen: set[str] = set()
    left: list[str | None] = [name]
    while left:
        each = left.pop()
        if each is None or each in seen or each not in found:
            continue
        seen.add(each)
        with suppress(TemplateSyntaxError):  # said where that one is checked
            tree = environment.parse(found[each])
            fields |= find_undeclared_variables(tree)
            left += find_referenced_templates(tree)
    return fields


EXAMPLE = "7K3Q9M2XBV4D8N6H0TJ5R1WYCE0"
_SAMPLES = {
    "zh": {
        "survey": "售后服务评价",
        "brand": "样例服务",
        "deadline": "6月30日",
        "name": "客户 C123",
        "agent": "A07",
        "team": "一组",
        "store": "012",
        "service": "空调维修",
        "day": "6月12日",
        "said": "上门等得太久",
        "did": "上门时间现在精确到一小时",
    },
    "en": {
        "survey": "How was our service?",
        "brand": "Example",
        "deadline": "30 June",
        "name": "customer C123",
        "agent": "A07",
        "team": "team 1",
        "store": "012",
        "service": "your repair",
        "day": "12 June",
        "said": "the wait was too long",
        "did": "visits now come within the hour",
    },
}


def samples(language: str, own: tuple[str, ...] = (), url: str = "") -> dict[str, str]:
    """Every field with something in it, to try a template or to show one."""
    start = (url or "https://survey.example.com").rstrip("/")
    return {
        **{name: name for name in own},
        **_SAMPLES["zh" if language.startswith("zh") else "en"],
        "link": f"{start}/after-sales/?{EXAMPLE}",
        "opt_out": f"{start}/opt-out/?{EXAMPLE}",
        "colour": "#0f6b62",
        "language": language,
        "incentive": "",
    }
