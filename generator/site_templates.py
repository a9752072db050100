"""The templates of ``site_templates/``, each folder opened once.

A name that is not given is an error, and what is given is text, never markup.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from generator.places import TEMPLATES


@cache
def of(folder: str) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES / folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
