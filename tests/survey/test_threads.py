"""Several threads may be the first to read a contract at once, as a server's first requests are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FIRST = """
import sys, threading
from chalicelib.survey import Contract, Response
from tests.surveys import after_sales

survey = after_sales()
body = survey.to_json()
gate = threading.Barrier(16)
read = []

def first():
    gate.wait()
    read.append(Contract.from_json(body))

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=first) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert read == [survey] * 16
"""


def test_the_first_threads_to_read_a_contract_do_not_crash_the_process() -> None:
    """Half of these processes died of it while msgspec was left to learn the type on first use."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions")])
    for _ in range(8):
        done = subprocess.run(
            [sys.executable, "-c", FIRST],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
