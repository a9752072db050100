"""The Chromium that browser tests drive: found where it is, installed where it can be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Its path: ``CHROMIUM``, one on the path, or the one Playwright keeps."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next(filter(None, map(shutil.which, NAMES)), None) or _playwrights()


def install() -> str | None:
    """Install it, by Playwright, else by Debian's packages; its path, or None where neither can."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempts += [
            ["sh", "-c", "apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk"]
        ]
    for command in attempts:
        try:
            subprocess.run(command, check=True, timeout=600, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError):
            continue
        if found := find():
            return found
    return None


def _playwrights() -> str | None:
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    found = sorted(home.glob("chromium*/*/*headless_shell")) + sorted(
        home.glob("chromium*/*/chrome")
    )
    return str(found[-1]) if found else None
