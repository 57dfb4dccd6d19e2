"""The history of a project: every change with who, when, what, from where, and its deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.keys import Keys, key
from screens.safe import cut, line
from services import detail, explain, times
from services.difference import Piece
from services.history import Change, HistoryLine
from services.overview import TargetHealth

NEAR = 8
"""How close to its end the list asks for older changes."""
_LONGEST = 200
_DEEDS = {"create": "created it", "delete": "deleted it", "restore": "brought it back"}
_TONES = {"failed": "$bad", "conflict": "$bad", "retrying": "$warn", "held": "$warn"}


class History(OptionList, inherit_bindings=False):
    """The changes, newest first. What comes in never moves the marked line nor the scroll."""

    BINDING_GROUP_TITLE = "In the history"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "select", "whole entry", "The whole entry", id="history.open"),
        key("a", "absolute", "exact times", "Exact or relative times", id="history.absolute"),
        key("down,j", "cursor_down", "down", "One change down", id="history.down", show=False),
        key("up,k", "cursor_up", "up", "One change up", id="history.up", show=False),
        key("pagedown", "page_down", "page down", "A page down", id="history.pagedown", show=False),
        key("pageup", "page_up", "page up", "A page up", id="history.pageup", show=False),
        key("home,g", "first", "first", "To the newest change", id="history.first", show=False),
        key("end,G", "last", "last", "To the oldest change shown", id="history.last", show=False),
    ]

    class Left(Message):
        """The mark was moved up beyond the newest change."""

    class More(Message):
        """The end is near and there are older changes."""

    def __init__(self, zone: dt.tzinfo, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.add_class("part")
        self._zone = zone
        self._changes: Sequence[HistoryLine] = ()
        self._healths: Mapping[str, TargetHealth] = {}
        self._total = 0
        self._absolute = False
        self._now = 0.0
        self._made: dict[int, tuple[object, Content]] = {}

    def show(
        self,
        changes: Sequence[HistoryLine],
        total: int,
        healths: Mapping[str, TargetHealth],
        now: float,
    ) -> None:
        """The newest changes of ``total`` as they stand at ``now``."""
        self._changes, self._total, self._healths, self._now = changes, total, healths, now
        self._build()

    def restart(self) -> None:
        """Another project is shown: begin at its newest change."""
        self._made = {}
        self.clear_options()

    @property
    def marked(self) -> HistoryLine | None:
        """The change under the mark."""
        at = self.highlighted
        return self._changes[at] if at is not None and at < len(self._changes) else None

    def copied(self) -> str:
        """The marked change in words."""
        marked = self.marked
        return "" if marked is None else whole(marked, self._healths, self._now, self._zone)

    # -- keys ----------------------------------------------------------------------------------

    def action_cursor_up(self) -> None:
        if self.highlighted in (None, 0):
            self.post_message(self.Left())
        else:
            super().action_cursor_up()

    def action_cursor_down(self) -> None:
        at = self.highlighted
        if at is None or at + 1 < self.option_count:
            super().action_cursor_down()

    def action_absolute(self) -> None:
        """Turn between exact and relative times."""
        self._absolute = not self._absolute
        self._build()

    def on_focus(self) -> None:
        if self.highlighted is None and self.option_count:
            self.highlighted = 0

    # -- making --------------------------------------------------------------------------------

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        if highlighted is not None and highlighted + NEAR >= self.option_count:
            self._ask_for_more()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value > old_value and new_value >= self.max_scroll_y:
            self._ask_for_more()

    def _ask_for_more(self) -> None:
        if len(self._changes) < self._total:
            self.post_message(self.More())

    def _build(self) -> None:
        fresh = {each.seq: self._prompt(each) for each in self._changes}
        if list(fresh) == list(self._made):
            for at, (seq, made) in enumerate(fresh.items()):
                if made is not self._made[seq]:
                    self.replace_option_prompt_at_index(at, made[1])
        else:
            self._replace({seq: prompt for seq, (_, prompt) in fresh.items()})
        self._made = fresh

    def _replace(self, fresh: Mapping[int, Content]) -> None:
        at = self.highlighted
        marked = list(self._made)[at] if at is not None else None
        scroll = self.scroll_offset
        with self.prevent(OptionList.OptionHighlighted), self.app.batch_update():
            self.clear_options()
            self.add_options([Option(prompt, id=str(key_)) for key_, prompt in fresh.items()])
            if marked is not None and marked in fresh:
                self.highlighted = list(fresh).index(marked)
            self.scroll_to(scroll.x, scroll.y, animate=False, force=True)

    def _prompt(self, each: HistoryLine) -> tuple[object, Content]:
        """The change in words, made anew only where one of them is another one now."""
        when = "" if self._absolute else times.ago(each.at, self._now)
        states = tuple(
            explain.shown_state(delivery, self._healths[target]) for target, delivery in each.sides
        )
        facts = (each, when, states)
        made = self._made.get(each.seq)
        if made is not None and made[0] == facts:
            return made
        said = history_content(each, self._healths, self._now, self._zone, self._absolute)
        return facts, said + "\n"  # a line of air between two changes


def history_content(
    each: HistoryLine,
    healths: Mapping[str, TargetHealth],
    now: float,
    zone: dt.tzinfo,
    absolute: bool = False,
) -> Content:
    """One change as the history shows it: when and who, each field, how far it travelled."""
    when = times.moment(each.at, zone) if absolute else times.ago(each.at, now)
    deed = f" {_DEEDS[each.kind]}" if each.kind in _DEEDS else ""
    head = Content.assemble(
        (when, "bold"),
        (f"  {line(each.who)}{deed}", "$key"),
        (f", {each.source}" if each.source != "here" else "", "$quiet"),
    )
    body = [head]
    if each.kind == "update":
        body += [change_content(change) for change in each.changes]
    elif each.kind == "create":
        body.append(Content.styled(f"with {len(each.changes)} fields", "$quiet"))
    if each.sides:
        body.append(_sides(each, healths))
    return Content("\n").join(body)


def change_content(change: Change) -> Content:
    """One field of a change: label, old → new; a long text as what went and what came."""
    label = Content.styled(f"{line(change.label)}  ", "$quiet")
    if change.diff:
        sides = (_side("−", "gone", "$bad", change.diff), _side("+", "new", "$good", change.diff))
        return Content("\n").join([label, *(side for side in sides if side is not None)])
    old = cut(line(explain.value_words(change.path, change.old)), _LONGEST)
    new = cut(line(explain.value_words(change.path, change.new)), _LONGEST)
    return Content.assemble(label, (old, "$quiet"), (" → ", "$quiet"), new)


def _side(sign: str, wanted: str, tone: str, diff: Sequence[Piece]) -> Content | None:
    """One side of a difference: the words that only it has stand out in what both share."""
    if not any(tag == wanted for tag, _ in diff):
        return None
    room = _LONGEST
    pieces: list[tuple[str, str]] = [(f"{sign} ", tone)]
    for tag, text in diff:
        if tag in ("same", wanted) and room > 0:
            said = cut(line(text), room)
            pieces.append((said, tone if tag == wanted else "$quiet"))
            room -= len(said)
    return Content.assemble(*pieces)


def _sides(each: HistoryLine, healths: Mapping[str, TargetHealth]) -> Content:
    pieces: list[tuple[str, str]] = []
    for target, delivery in each.sides:
        health = healths[target]
        state = explain.shown_state(delivery, health)
        mark = "✓" if state == "done" else explain.state_mark(delivery, health)
        gap = "   " if pieces else ""
        pieces.append((f"{gap}{explain.NAMES[target]} ", "$quiet"))
        pieces.append((mark, _TONES.get(state, "$quiet")))
    return Content.assemble(*pieces)


def whole(
    each: HistoryLine, healths: Mapping[str, TargetHealth], now: float, zone: dt.tzinfo
) -> str:
    """A change with everything that is known of it, as plain text, unchanged: for copying,
    and made safe for reading."""
    source = "" if each.source == "here" else f", {each.source}"
    found = [f"{times.moment(each.at, zone)} ({times.ago(each.at, now)})"]
    found.append(f"by {each.who}{source}")
    if each.kind in _DEEDS:
        found.append(f"{_DEEDS[each.kind].capitalize()}.")
    for target, delivery in each.sides:
        words = explain.delivery_words(delivery, healths[target], now, each.carried_by)
        found.append(f"{words}.")
    found.append(f"Operation {each.seq}.")
    for change in each.changes:
        found += ["", change.label]
        found.append(f"  from: {_indented(change.path, change.old)}")
        found.append(f"  to:   {_indented(change.path, change.new)}")
    return "\n".join(found)


def _indented(path: str, value: object) -> str:
    if isinstance(value, str):
        return value.replace("\n", "\n        ")
    return detail.shown_value(path, value if isinstance(value, (int, bool)) else None)
