"""Project ids made from names, the same every time, so that a second import updates."""

from __future__ import annotations

import re
import unicodedata

from store.fields import PROJECT_ID_MAX

_HASH_DIGITS = 8
_NOTHING_LEFT = "project"


def slug(name: str, limit: int = PROJECT_ID_MAX) -> str:
    """``🧩 Feedback Platform (v1)`` → ``feedback-platform-v1``, at most ``limit`` characters.

    Letters are taken apart first (NFKD), so that é gives e; what has no ASCII letter or digit at
    all (Arabic, emoji) gives ``project``.
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(ch for ch in plain if not unicodedata.combining(ch)).lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain, flags=re.ASCII)
    return words.strip("-")[:limit].strip("-") or _NOTHING_LEFT


def id_for_name(name: str) -> str:
    """The id of a project whose file gives none: slug, hyphen and a hash of the exact name."""
    import hashlib  # loads OpenSSL, which the first paint need not wait for

    digest = hashlib.sha256(name.encode("utf-8")).hexdigest()[:_HASH_DIGITS]
    return f"{slug(name, PROJECT_ID_MAX - _HASH_DIGITS - 1)}-{digest}"
