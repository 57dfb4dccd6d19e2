"""Files that a person asked for: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from services.privacy import users_mask


def write_whole(path: Path, text: str, *, private: bool = False) -> None:
    """Write the text as UTF-8, line ends as they are. What was under this name stays until all of
    it is on the disk; a pipe or a device is written as it is. Others may read it as the user's mask
    says, or (``private``) not at all. Raises OSError."""
    data = text.encode("utf-8", "surrogatepass")
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".steerco-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            os.chmod(name, 0o666 & ~users_mask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
