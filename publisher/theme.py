"""The theme's own files, each under a name that changes with its content."""

from __future__ import annotations

import hashlib
from functools import cache

from publisher.render import THEME


@cache
def assets() -> dict[str, bytes]:
    made = {}
    for path in sorted((THEME / "assets").iterdir()):
        content = path.read_bytes()
        made[f"{path.stem}.{hashlib.sha256(content).hexdigest()[:10]}{path.suffix}"] = content
    return made


@cache
def asset_addresses() -> dict[str, str]:
    return {name.partition(".")[0]: f"/assets/{name}" for name in assets()}
