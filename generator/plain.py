"""Small YAML files (site, mappings, the page's words) as plain values, by YAML 1.2's core schema.

Surveys are read with their lines, by ``definition``; these need only values, from the same nodes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from chalicelib.survey import EchoformError

from .source import Mapping, Node, Scalar, Unparsable, compose

T = TypeVar("T")
_WORDS = {"true": True, "True": True, "false": False, "False": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class BadFile(EchoformError):
    """A file cannot be read as what it should be. The message begins with its path."""


def read_plain(path: Path, kind: type[T]) -> T:
    """The file's content as ``kind``; an empty file says ``{}``. Raises BadFile."""
    try:
        root, problems = compose(path.read_text("utf-8"))
        if problems:
            line, problem = problems[0]
            raise BadFile(f"{path}:{line}: {problem.what}, {problem.remedy}")
        return msgspec.convert({} if root is None else value(root), kind)
    except Unparsable as stop:
        said = f"{stop.problem.what}, {stop.problem.remedy}"
        raise BadFile(f"{path}:{stop.line}: {said}") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path}: not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise BadFile(f"{path}: {error}") from None


def value(node: Node) -> Any:
    """A node as plain dicts, lists, texts, numbers and truth values."""
    if isinstance(node, Mapping):
        return {key: value(entry.node) for key, entry in node.entries.items()}
    if not isinstance(node, Scalar):
        return [value(item) for item in node.items]
    if node.empty:
        return None
    if node.plain:
        if _INTEGER.fullmatch(node.text):
            return int(node.text)
        if _FLOAT.fullmatch(node.text):
            return float(node.text)
    return _WORDS.get(node.text, node.text) if node.plain else node.text
