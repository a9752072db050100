"""QR codes: the picture of an address, and from how far a phone reads it.

Error correction is Q at least: a quarter of the code may be scratched, shaded by a lamp or under a
finger and it still reads. What room the code has left goes into more of it (H). A brand's logo
stands beside a code and never in it: there it would be damage, which is what Q is kept for.
"""

from __future__ import annotations

from io import BytesIO
from typing import NamedTuple

import segno

QUIET = 4
"""Modules of white that a code needs around it (ISO/IEC 18004)."""
_LEVEL = "q"
_MODULES_A_METRE = 4.0
"""Millimetres of a code's side for each of its modules and each metre away: the printers' rule of
ten to one, for the 25 modules of the codes it was made for. A phone then sees a module as some four
pixels of its viewfinder."""


class Code(NamedTuple):
    """A QR code as rows of modules, dark ones true; no white around it."""

    url: str
    rows: list[bytes]

    @property
    def modules(self) -> int:
        """Along one side."""
        return len(self.rows)

    def reach(self, side: float) -> float:
        """From how many metres it is read, when its side has so many millimetres."""
        return side / (_MODULES_A_METRE * self.modules)

    def side(self, reach: float) -> float:
        """How many millimetres its side needs to be read from so many metres."""
        return reach * _MODULES_A_METRE * self.modules


def code_of(url: str) -> Code:
    return Code(url, [bytes(row) for row in _made(url).matrix])


def svg(url: str) -> bytes:
    """Scales to any size; a print shop's form."""
    out = BytesIO()
    _made(url).save(out, kind="svg", border=QUIET, light="#fff", svgclass=None, lineclass=None)
    return out.getvalue()


def png(url: str, module: int = 24) -> bytes:
    """For screens and documents; ``module`` is in pixels."""
    out = BytesIO()
    _made(url).save(out, kind="png", border=QUIET, scale=module)
    return out.getvalue()


def _made(url: str) -> segno.QRCode:
    return segno.make(url, error=_LEVEL, micro=False)
