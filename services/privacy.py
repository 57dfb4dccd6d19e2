"""Who may read the files that this process makes: their owner alone, but for those he asks for.

What is kept holds projects and tickets, and much of it is made by libraries, at moments of their
own choice (DuckDB's log, what it puts aside on disk). So it is the process that makes private
files, from its start on: to change its mask around the making of one would change it for what
other threads make just then. An export is somebody's own file, and has the rights he gives his
files.
"""

from __future__ import annotations

import os

PRIVATE = 0o077
_users: list[int] = []


def keep_private() -> None:
    """From here on this process makes files for their owner alone. Once, before any thread."""
    if not _users:
        _users.append(os.umask(PRIVATE))


def users_mask() -> int:
    """The mask (umask) that the user gives his own files and programs."""
    if _users:
        return _users[0]
    mask = os.umask(PRIVATE)  # a process that keeps nothing private: tests, a library's user
    os.umask(mask)
    return mask
