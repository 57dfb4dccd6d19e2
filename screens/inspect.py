"""Everything that is known of one edit: the operation, its payload, each attempt as it went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens.keys import Keys, key
from screens.safe import line, safe
from screens.widgets.frame import KeyLine
from services import explain, times
from services.outbox import Inspection
from services.overview import TargetHealth
from store.attempts import Attempt
from store.fields import label_of

WIDTHS = [(0, "-narrow"), (110, "-wide")]
LONGEST = 40_000
"""A text longer than this is shown up to here; copying always gives the whole."""
_OUTCOMES = {
    "ok": "accepted",
    "judged": "nothing to send",
    "unknown": "no answer",
    "transient": "refused for now",
    "pause": "target away",
    "stale": "changed there",
    "permanent": "refused",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of the list at the left, and its whole text."""

    title: str
    text: str


class Inspect(ModalScreen[None]):
    """The story of one edit; a list of its parts, and the marked part beside it."""

    CSS_PATH = "inspect.tcss"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDING_GROUP_TITLE = "This edit"
    BINDINGS: ClassVar[Keys] = [
        key("escape,q,enter,i", "close", "close", "Back to where I was", id="inspect.close"),
        key("up,k", "part(-1)", "part before", "The part before", id="inspect.previous",
            group="part"),
        key("down,j", "part(1)", "next part", "The next part", id="inspect.next", group="part"),
        key("pagedown,space", "scroll(1)", "page down", "A page down", id="inspect.pagedown"),
        key("pageup", "scroll(-1)", "page up", "A page up", id="inspect.pageup", show=False),
        key("y", "copy", "copy", "Copy this part whole", id="inspect.copy"),
        key("Y", "copy_all", "copy all", "Copy all parts", id="inspect.copy_all"),
    ]  # fmt: skip

    def __init__(self, title: str, parts: list[Part]) -> None:
        super().__init__()
        self._title, self._parts = title, parts

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -wide", id="inspect"):
            yield Static(safe(self._title), classes="dialog--title")
            with Horizontal(id="inspect-panes"):
                yield OptionList(
                    *(Option(Content(line(part.title))) for part in self._parts),
                    id="inspect-parts",
                    compact=True,
                    markup=False,
                )
                with VerticalScroll(id="inspect-body", can_focus=False):
                    yield Static("", id="inspect-text", markup=False)
            yield KeyLine(classes="dialog--keys")

    def on_mount(self) -> None:
        parts = self.query_one("#inspect-parts", OptionList)
        parts.can_focus = False
        parts.highlighted = 0

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        text = self._parts[event.option_index].text
        more = len(text) - LONGEST
        said = safe(text[:LONGEST])
        if more > 0:
            said = said + Content.styled(f"\n… {more:,} more characters; y copies all.", "$warn")
        self.query_one("#inspect-text", Static).update(said)
        self.query_one("#inspect-body").scroll_home(animate=False)

    @property
    def _part(self) -> Part:
        return self._parts[self.query_one("#inspect-parts", OptionList).highlighted or 0]

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)

    def action_part(self, step: int) -> None:
        """Another part."""
        parts = self.query_one("#inspect-parts", OptionList)
        at = (parts.highlighted or 0) + step
        parts.highlighted = max(0, min(len(self._parts) - 1, at))

    def action_scroll(self, way: int) -> None:
        """Scroll the part by a page."""
        body = self.query_one("#inspect-body", VerticalScroll)
        body.scroll_relative(y=way * max(1, body.size.height - 1), animate=False)

    def action_copy(self) -> None:
        """Copy the marked part."""
        self.app.copy_to_clipboard(self._part.text)
        self.app.notify("Copied.", markup=False)

    def action_copy_all(self) -> None:
        """Copy every part."""
        whole = "\n\n".join(f"{part.title}\n\n{part.text}" for part in self._parts)
        self.app.copy_to_clipboard(whole)
        self.app.notify("Copied.", markup=False)


def parts_of(
    found: Inspection, healths: Mapping[str, TargetHealth], now: float, zone: dt.tzinfo
) -> list[Part]:
    """The parts of an inspection: the edit in words, its exact payload, its attempts."""
    attempts = explain.attempts_of(found.attempts, found.deliveries)
    return [
        Part("The edit", _in_words(found, healths, now, zone)),
        Part("Payload", explain.payload(found.operation)),
        *(_attempt(each, now, zone) for each in attempts),
    ]


def _in_words(
    found: Inspection, healths: Mapping[str, TargetHealth], now: float, zone: dt.tzinfo
) -> str:
    op = found.operation
    lines = [
        explain.what_changed(op),
        f"{times.moment(op.at, zone)} ({times.ago(op.at, now)}), by {op.operator}, {op.origin}",
        "",
    ]
    for each in found.deliveries:
        part = " (parent link)" if each.part == "link" else ""
        words = explain.delivery_words(each, healths[each.target], now, found.carried_by)
        lines.append(f"{words}{part}.")
        tried = f"attempts {each.attempts}, sent {each.sends}"
        told = f", {each.error_class} {each.error_code}" if each.error_code else ""
        lines.append(f"  {each.state}, {tried}{told}")
    lines += ["", f"project    {op.project_id}", f"operation  {op.seq}  {op.op_id}"]
    lines += [f"trace      {op.trace_id}", ""]
    for path, (old, new) in op.changes.items():
        lines.append(label_of(path))
        lines.append(f"  from  {explain.value_words(path, old)}")
        lines.append(f"  to    {explain.value_words(path, new)}")
    return "\n".join(lines)


def _attempt(each: Attempt, now: float, zone: dt.tzinfo) -> Part:
    outcome = _OUTCOMES.get(each.outcome, each.outcome)
    sign = "✓" if each.outcome in ("ok", "judged") else "✗"
    when = times.moment(each.at, zone)
    name = explain.NAMES.get(each.target, each.target)
    lines = [f"{when} ({times.ago(each.at, now)})", f"{name}: {each.action}, {outcome}"]
    if each.ms is not None:
        lines.append(f"answered in {each.ms:,} ms")
    if each.code:
        lines.append(f"code: {each.code}")
    if each.message:
        lines.append(f"message: {each.message}")
    lines += ["", "Request", explain.pretty(each.request)]
    lines += ["", "Response", explain.pretty(each.response)]
    clock = when.split(" ")[1]
    return Part(f"{sign} {clock} {name}: {outcome}", "\n".join(lines))
