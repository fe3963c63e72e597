"""Where the theme lies, and its own files, each under a name that changes with its content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

#: The project's folder in a checkout, and site-packages in an installation.
ROOT = Path(__file__).parent.parent
THEME = ROOT / "templates" / "site" / "quiet"


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
