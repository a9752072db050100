"""All tests, by one command: ``python -m tests``. Further arguments go to pytest.

Installs Chromium for the browser tests where it is missing and can be; says what is skipped where
it cannot.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests import chromium


def main() -> int:
    browser = chromium.find()
    if browser is None:
        print("Chromium is missing; installing it for the browser tests …", flush=True)
        browser = chromium.install()
    missing = {
        "Chromium (set CHROMIUM to one): every browser test": browser,
        "Node.js: the page's script held against the kernel": shutil.which("node"),
        "strace: the kernel's account of fsync before acknowledge": shutil.which("strace"),
    }
    absent = [what for what, found in missing.items() if not found]
    command = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "worksteal"]
    failed = subprocess.run([*command, *sys.argv[1:]], check=False).returncode
    for what in absent:
        print(f"NOT TESTED here, because this is missing: {what}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
