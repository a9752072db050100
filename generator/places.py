"""Where what ships with Echoform lies: in a checkout beside this package, in a wheel inside it."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE / "shipped" if (_HERE / "shipped").is_dir() else _HERE.parent

APP = _ROOT / "functions" / "app.py"
SURVEYS = _ROOT / "surveys"
TEMPLATES = _ROOT / "site_templates"
CHALICE = _ROOT / "functions" / ".chalice" / "config.json"
INFRA = _ROOT / "infra"
"""What AWS must have beside the functions."""
