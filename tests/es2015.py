"""What of a script an engine of ES2015 would stumble over, found by a parser.

The parser is tree-sitter's: kept up to date, wheels for every platform, and its trees name what
they hold, so that the language of 2015 is a list of kinds here. It reads later syntax too, which
is why each kind must be listed. (Parsers that stop at a given year exist on npm only; the tests
need no more than Python.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_javascript.language()))


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SYNTAX = _names(
    """
    program expression_statement variable_declaration lexical_declaration variable_declarator
    statement_block if_statement else_clause switch_statement switch_body switch_case
    switch_default for_statement for_in_statement while_statement do_statement try_statement
    catch_clause finally_clause break_statement continue_statement return_statement
    throw_statement empty_statement labeled_statement statement_identifier
    parenthesized_expression yield_expression object object_pattern assignment_pattern
    object_assignment_pattern array array_pattern class class_declaration class_heritage
    class_body method_definition function_expression function_declaration generator_function
    generator_function_declaration arrow_function call_expression new_expression
    member_expression subscript_expression assignment_expression
    augmented_assignment_expression spread_element ternary_expression binary_expression
    unary_expression update_expression sequence_expression string string_fragment
    escape_sequence template_string template_substitution regex regex_pattern regex_flags number
    arguments formal_parameters rest_pattern pair pair_pattern computed_property_name
    property_identifier shorthand_property_identifier shorthand_property_identifier_pattern
    identifier this super true false null undefined comment
    """
)

GLOBALS = _names(
    """
    NaN Array Boolean Date Error JSON Map Math Number Object Promise RegExp Set String Symbol
    Uint8Array WeakMap decodeURIComponent encodeURIComponent isNaN parseFloat parseInt
    Blob Event File FileReader FormData Image XMLHttpRequest addEventListener clearTimeout console
    crypto document history innerHeight innerWidth isFinite localStorage location matchMedia
    navigator performance removeEventListener requestAnimationFrame scrollTo sessionStorage
    setTimeout window
    """
)
"""What is there in Chrome 51 and Safari 10, the first with all of ES2015."""

DETECTED = _names("CustomEvent Intl URL URLSearchParams fetch")
"""What came with or after them: allowed where the same script asks ``window.`` for it first."""

LATER = _names(
    """
    allSettled any asyncIterator at before copyWithin description entries findLast
    findLastIndex finally flat flatMap formatToParts fromEntries getAnimations
    getOwnPropertyDescriptors groupBy hasOwn includes isConnected lookbehind matchAll padEnd
    padStart prepend replaceAll replaceChildren replaceWith requestSubmit scrollIntoViewIfNeeded
    showModal showPicker structuredClone submitter toReversed toSorted toSpliced toggleAttribute
    trimEnd trimStart values with withResolvers
    """
)
"""Methods that came later, or on some of their objects later (``includes`` of arrays)."""


_TOKENS = _names("async await # ?. ?? ** **= &&= ||= ??=")


def complaints(script: str) -> list[str]:
    """Everything in it that is newer than ES2015, each with a piece of the text it stands in."""
    tree = _PARSER.parse(script.encode())
    nodes = list(_walk(tree.root_node))
    found = [f"{why}: {_text(node)[:60]}" for node in nodes for why in _newer(node)]
    return [*found, *_unknown(nodes)]


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _newer(node: Node) -> Iterator[str]:
    if node.is_error or node.is_missing:
        yield "cannot be read"
    elif node.is_named and node.type not in SYNTAX or node.type in _TOKENS:
        yield node.type
    look = _CLOSER.get(node.type)
    if look and look(node):
        yield f"a later {node.type}"


def _trailing_comma(node: Node) -> bool:
    return len(node.children) > 2 and node.children[-2].type == ","


_CLOSER: dict[str, Callable[[Node], bool]] = {
    "catch_clause": lambda node: node.child_by_field_name("parameter") is None,
    "spread_element": lambda node: node.parent is not None and node.parent.type == "object",
    "rest_pattern": lambda node: node.parent is not None and node.parent.type == "object_pattern",
    "arguments": _trailing_comma,
    "formal_parameters": _trailing_comma,
    "number": lambda node: re.search("_|n$", _text(node)) is not None,
    "regex_flags": lambda node: not set(_text(node)) <= set("gimuy"),
    "regex_pattern": lambda node: re.search(r"\(\?<|\\[pP]\{|\\k<", _text(node)) is not None,
    "property_identifier": lambda node: _text(node) in LATER and _called(node),
}


def _called(name: Node) -> bool:
    member = name.parent
    call = member.parent if member and member.type == "member_expression" else None
    return call is not None and call.child_by_field_name("function") == member


def _unknown(nodes: list[Node]) -> Iterator[str]:
    """Names that nothing in the script declares, and that are not of its time."""
    names = {
        _text(node)
        for node in nodes
        if node.type in ("identifier", "shorthand_property_identifier")
    }
    asked = {_text(node)[7:] for node in nodes if _text(node).startswith("window.")}
    for name in sorted(names - {_text(each) for node in nodes for each in _declared(node)}):
        if name not in GLOBALS and not (name in DETECTED and name in asked):
            yield f"a global that may be missing: {name}"


_BINDING = {
    "variable_declarator": "name",
    "for_in_statement": "left",
    "catch_clause": "parameter",
    "arrow_function": "parameter",
    "function_declaration": "name",
    "function_expression": "name",
    "class_declaration": "name",
}


def _declared(node: Node) -> Iterator[Node]:
    if node.type == "formal_parameters":
        yield from _bound(node)
    named = node.child_by_field_name(_BINDING.get(node.type, "")) if node.type in _BINDING else None
    if named is not None:
        yield from _bound(named)


def _bound(pattern: Node) -> Iterator[Node]:
    """The names a pattern binds; the defaults in it bind nothing."""
    if pattern.type in ("identifier", "shorthand_property_identifier_pattern"):
        yield pattern
    for child in pattern.named_children:
        if child != pattern.child_by_field_name("right"):
            yield from _bound(child)
