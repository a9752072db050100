"""The exceptions of Echoform, in one tree.

    EchoformError
    ├── Invalid              one answer breaks its rule (never leaves the kernel)
    ├── Refused              a submission is not accepted; carries an error code and its problems
    └── storage.StorageError
        ├── Missing          no such key
        ├── Exists           create-once found the key taken
        ├── Stale            the value changed since it was read
        └── Unavailable      storage could not be reached, or would not do it

The generator adds its own leaves, beside what raises them. Exceptions carry data; the edge words
them: the command line as a message, the API as an error body.
"""

from __future__ import annotations

import msgspec


class EchoformError(Exception):
    """Root of everything Echoform raises on purpose."""


class Invalid(EchoformError):
    """An answer breaks its rule. ``code`` names a text in ``words``; ``facts`` fill it."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with the answer to one question."""

    question: str
    code: str
    facts: dict[str, object] = {}


class Refused(EchoformError):
    """A submission is not accepted. ``code`` names a text in ``words``."""

    def __init__(self, code: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.problems = problems
