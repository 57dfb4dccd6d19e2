"""What a person does with edits on their way: retry, mend, discard, pause.

One helper of the Sync page, which it reads and writes through; each deed says what became of it.
"""

from __future__ import annotations

from screens.base import Failed, Page
from screens.dialogs import Choose, Confirm
from screens.safe import line
from screens.sync_dialogs import Mend
from screens.widgets.choices import Choice
from services import discarding, explain, outbox, syncview
from services.overview import OutboxEntry
from services.syncview import SyncView
from store.deliveries import TARGETS
from store.fields import label_of

BOTH = "both"


class SyncDeeds:
    """The page's commands."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def retry(self, entry: OutboxEntry) -> None:
        """Try an edit again now."""
        try:
            moved = await self._page.write(outbox.retry, entry.operation.seq)
        except Failed as error:
            self._page.trouble(str(error))
            return
        what = explain.cut(line(entry.name), 60)
        if moved:
            self._page.say(f"{what} is tried again now.")
        else:
            self._page.say(f"Nothing of {what} failed or waits for another try.")
        self._page.store_changed()

    async def retry_all(self) -> None:
        """Try everything that failed or waits again now."""
        try:
            moved = await self._page.write(outbox.retry_all)
        except Failed as error:
            self._page.trouble(str(error))
            return
        self._page.say(f"{moved:,} tried again now." if moved else "Nothing failed or waits.")
        self._page.store_changed()

    async def look(self) -> None:
        """Have both sides read now, without waiting for the schedule."""
        work = self._page.workplace
        try:
            await self._page.write(outbox.look, work.ctx)
        except Failed as error:
            self._page.trouble(str(error))
            return
        work.wake()
        self._page.say("Looking at Firestore and Salesforce now.")

    async def mend(self, seq: int) -> None:
        """Let the refused fields of an edit be mended, and send them again as a new edit."""
        page = self._page
        try:
            mending = await page.read(syncview.mending, seq)
        except outbox.NotPossible as error:
            page.say(f"{line(str(error))}.")
            return
        except Failed as error:
            page.trouble(str(error))
            return
        texts = await page.app.push_screen_wait(Mend(mending))
        if texts is None:
            return
        try:
            await page.write(outbox.edit_and_resend, page.workplace.ctx, seq, texts)
        except Failed as error:
            page.trouble(str(error))
        else:
            labels = ", ".join(label_of(path) for path in texts)
            page.saved(line(f"{labels}; the new value is on its way"))
        page.store_changed()

    async def discard(self, seq: int) -> None:
        """Give an edit up, after naming what is lost, field by field."""
        page = self._page
        try:
            loss = await page.read(discarding.loss, seq)
            name = explain.cut(line(loss.name), 50)
            lost = [line(each) for each in explain.loss_lines(loss)]
            ask = Confirm(f"Discard this edit of {name}?", lost, yes="Discard", no="Keep")
            if not await page.app.push_screen_wait(ask):
                return
            back = await page.write(discarding.discard, page.workplace.ctx, seq)
        except Failed as error:
            page.trouble(str(error))
        else:
            told = [f"{label_of(p)} is {explain.value_words(p, v)} again" for p, v in back.items()]
            page.saved(line("; ".join(["discarded", *told])))
        page.store_changed()

    async def pause(self, view: SyncView) -> None:
        """Pause a target, or let it go on; which one is asked."""
        page = self._page
        answer = await page.app.push_screen_wait(Choose("Pause or resume", pauses(view)))
        if answer is None:
            return
        verb, _, which = answer.partition(" ")
        target = None if which == BOTH else which
        try:
            if verb == "pause":
                await page.write(outbox.pause, page.workplace.ctx, target)
            else:
                await page.write(outbox.resume, target)
        except Failed as error:
            page.trouble(str(error))
            return
        name = explain.NAMES.get(which, "Firestore and Salesforce")
        go_on = "go on" if target is None else "goes on"
        held = f"{name} paused: edits are saved here and held."
        page.say(held if verb == "pause" else f"{name} {go_on}.")
        page.store_changed()


def pauses(view: SyncView) -> list[Choice]:
    """What may be paused or resumed now."""
    paused = [name for name in TARGETS if view.healths[name].known.paused_by is not None]
    found = []
    for name in TARGETS:
        verb = "resume" if name in paused else "pause"
        note = "edits go on" if name in paused else "edits are saved here and held"
        found.append(Choice(f"{verb} {name}", f"{verb.title()} {explain.NAMES[name]}", note=note))
    if len(paused) != 1:
        verb = "resume" if paused else "pause"
        found.append(Choice(f"{verb} {BOTH}", f"{verb.title()} both"))
    return found
