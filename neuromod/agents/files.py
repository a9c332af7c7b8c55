"""Files of agents: one function writes, one reads. JSON text in a compressed ``.npz``, without pickle."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuromod.atomic import target_of, whole_file
from neuromod.errors import ConfigError
from neuromod.state import check_seal, sealed

__all__ = ["read_agent", "write_agent"]

_KIND = "neuromod agent"


def write_agent(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write plain lists, numbers and text; the file is there whole or not at all."""
    text = json.dumps(sealed({"kind": _KIND, "agent": json.loads(json.dumps(content))}))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, agent=np.frombuffer(text.encode(), dtype=np.uint8))
    with whole_file(target_of(path)) as write:
        write(buffer.getvalue())


def read_agent(path: str | Path) -> dict[str, Any]:
    """What `write_agent` was given, checked against its SHA-256."""
    wrong = ConfigError([f"path: must be a file that an agent was saved to; got {str(path)!r}"])
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            content = json.loads(file["agent"].tobytes().decode())
    except (KeyError, ValueError, zipfile.BadZipFile, EOFError):
        raise wrong from None
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise wrong
    version, sha256 = content.pop("version", None), content.pop("sha256", None)
    check_seal(content, version or "", sha256, "agent")
    agent: dict[str, Any] = content["agent"]
    return agent
