"""What requests of staff's are answered from, and what answers one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from ..follow_ups.port import Record
from ..published import Definitions
from ..storage import Store
from .asking import Asked
from .reader import Reader
from .roles import Person
from .tokens import Tokens


class Desk(Struct, frozen=True):
    """What requests are answered from. ``key`` is the functions' secret."""

    store: Store
    key: bytes
    definitions: Definitions
    record: Record
    tokens: Tokens
    reader: Reader


Handler: TypeAlias = Callable[[Desk, Person, Asked, int], Any]
