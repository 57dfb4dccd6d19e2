"""Any valid project, hostile text included."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from store.fields import BY_PATH, Kind

LINE = "ab Zz09 \u00a0'\"\\%[]{}&<>🧩⭐é\u0301🏴\u200d☠\ufe0fعربي\u200f日"
TEXT = st.text(st.sampled_from(LINE), max_size=30)
LONG_TEXT = st.text(st.sampled_from(LINE + "\n\t\r"), max_size=30)


def values_of(path: str, names: list[str]) -> st.SearchStrategy[Any]:
    field = BY_PATH[path]
    match field.kind:
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.INTEGER | Kind.PERCENT:
            return st.none() | st.integers(field.low or 0, field.high or 0)
        case Kind.PICKLIST:
            return st.sampled_from([*field.choices] if field.required else [None, *field.choices])
        case Kind.LAUNCH_TARGET:
            return st.sampled_from([None, "?", "TBD", "N/A", "2026-02-28", "1999-12-31"])
        case Kind.PARENT:
            ids = st.text("AZaz09_-", min_size=1, max_size=31)
            return st.none() | ids.map("p{}".format)
        case Kind.URL:
            return st.sampled_from([None, "https://example.com/ü?q=a&b='", "http://x.y"])
        case Kind.PERSON:
            return st.none() | st.sampled_from(names)
        case _:
            text = LONG_TEXT if field.kind is Kind.LONG_TEXT else TEXT
            return text.map("x{}".format) if field.required else st.none() | text


def projects(names: list[str], **always: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the fields of a project; ``names`` are the people it may name."""
    return st.fixed_dictionaries(
        always, optional={path: values_of(path, names) for path in BY_PATH if path not in always}
    )
