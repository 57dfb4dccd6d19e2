"""Two calm themes, and the few colours that carry meaning, for every theme.

Colour is never the only sign: each of these goes with a word or a symbol.
"""

from __future__ import annotations

from textual.color import Color
from textual.theme import Theme

DARK, LIGHT = "steerco-dark", "steerco-light"


def _bars(bar: str, ground: str) -> dict[str, str]:
    """Quiet scrollbars."""
    return {
        "scrollbar": bar,
        "scrollbar-hover": bar,
        "scrollbar-active": bar,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
    }


_DARK = Theme(
    name=DARK,
    primary="#7db3f0",
    secondary="#8c9bb5",
    accent="#8fd0c4",
    warning="#e5b567",
    error="#ef7f86",
    success="#8fc98b",
    foreground="#d6dae2",
    background="#14171c",
    surface="#1a1e25",
    panel="#232932",
    dark=True,
    variables=_bars("#3a414d", "#14171c"),
)
_LIGHT = Theme(
    name=LIGHT,
    primary="#1a5fb4",
    secondary="#54617a",
    accent="#0f766e",
    warning="#8f5a00",
    error="#b3202c",
    success="#2a7a38",
    foreground="#20242b",
    background="#fbfbf9",
    surface="#f2f2ef",
    panel="#e6e7e4",
    dark=False,
    variables=_bars("#c3c5c2", "#fbfbf9"),
)
THEMES = (_DARK, _LIGHT)


def meanings(variables: dict[str, str], *, dark: bool) -> dict[str, str]:
    """The meaning colours made from a theme's own, as CSS variables.

    quiet: less important text; good, warn, bad: how it is; p1, p2: priority; key: a key to press;
    mark: the row under the cursor; picked: selected rows; tab: the present tab; sandbox: its sign.
    """
    if variables["background"].startswith("ansi"):
        return {
            "quiet": "ansi_bright_black",
            "faint": "ansi_bright_black",
            "good": "ansi_green",
            "warn": "ansi_yellow",
            "bad": "ansi_red",
            "p1": "ansi_bright_yellow",
            "p2": "ansi_bright_cyan",
            "key": "ansi_cyan",
            "mark": "ansi_black",
            "picked": "ansi_black",
            "tab": "ansi_black",
            "tab-text": "ansi_bright_white",
            "cursor": "ansi_blue",
            "cursor-text": "ansi_bright_white",
            "sandbox": "ansi_yellow",
            "sandbox-text": "ansi_black",
        }
    ground, ink = Color.parse(variables["background"]), Color.parse(variables["foreground"])
    primary, accent = Color.parse(variables["primary"]), Color.parse(variables["accent"])
    warning = Color.parse(variables["warning"])
    return {
        "quiet": ground.blend(ink, 0.62).hex,
        "faint": ground.blend(ink, 0.34).hex,
        "good": variables["success"],
        "warn": variables["warning"],
        "bad": variables["error"],
        "p1": variables["warning"],
        "p2": variables["primary"],
        "key": variables["accent"],
        "mark": ground.blend(primary, 0.14 if dark else 0.10).hex,
        "picked": ground.blend(accent, 0.12).hex,
        "tab": ground.blend(primary, 0.20 if dark else 0.14).hex,
        "tab-text": ink.hex,
        "cursor": ground.blend(primary, 0.42 if dark else 0.85).hex,
        "cursor-text": "#ffffff",
        "sandbox": warning.hex if not dark else ground.blend(warning, 0.85).hex,
        "sandbox-text": "#ffffff" if not dark else ground.hex,
    }
