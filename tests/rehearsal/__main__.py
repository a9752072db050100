"""The rehearsal, by one command: ``python -m tests.rehearsal``. Further arguments go to pytest.

What is packaged is deployed into a stand-in of AWS on this machine, and an answer goes the whole
way through it; each step says how long it took.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["--long", "-s", "-v", str(Path(__file__).parent), *sys.argv[1:]]))
