"""Which projects the roadmap shows and in which order: view, filter and sort. No widgets here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from services.filtering import Filtering, chip, parse
from store import views
from store.canon import Value
from store.fields import label_of
from store.projects import SORTABLE, Query, Term
from store.views import View

LONGEST_FILTER = 1000


class Showing:
    """View, filter and sort; ``query`` is the question they ask of the store."""

    def __init__(self, operator: str) -> None:
        self._operator = operator
        self.view: View = views.VIEWS[0]
        self.filter_text = ""
        self.filtering = Filtering()
        self.sort: tuple[str, bool] | None = None

    def query(self, today: dt.date) -> Query:
        """The question to the store."""
        path, descending = self.sort or (None, False)
        return Query(today, self.view, self.filtering.terms, path, descending)

    def use_view(self, key: str) -> None:
        """Another saved view, by its key."""
        self.view = views.BY_KEY[key]

    def step_view(self, step: int) -> None:
        """The next view, or the one before."""
        at = views.VIEWS.index(self.view) + step
        self.view = views.VIEWS[at % len(views.VIEWS)]

    def use_filter(self, text: str) -> None:
        """Another filter line."""
        self.filter_text = text
        self.filtering = parse(text, self._operator)

    def narrow(self, path: str, held: Value) -> str:
        """Add a chip for a value; gives the new filter line."""
        self.use_filter(f"{self.filter_text} {chip(Term(str(held), path))}".strip())
        return self.filter_text

    def sort_by(self, path: str | None) -> None:
        """Sort by a field; once more by the same turns it round; None is the roadmap's order."""
        again = self.sort is not None and self.sort[0] == path
        turned = self.sort[1] if self.sort is not None else False
        self.sort = None if path is None else (path, not turned if again else False)

    def click_header(self, path: str) -> None:
        """Ascending, descending, and back to the roadmap's own order."""
        if self.sort == (path, True):
            self.sort = None
        else:
            self.sort_by(path)

    @property
    def sorted_by(self) -> str:
        """The sort in words, empty for the roadmap's own order."""
        if self.sort is None:
            return ""
        path, descending = self.sort
        return f"{sort_label(path)} {'▼' if descending else '▲'}"

    def kept(self) -> dict[str, object]:
        """What the next start should find again."""
        return {
            "view": self.view.key,
            "filter": self.filter_text,
            "sort": list(self.sort) if self.sort else None,
        }

    def restore(self, kept: Mapping[str, object]) -> None:
        """Take up what ``kept`` gave; what is not understood is left as it is."""
        view, text, sort = kept.get("view"), kept.get("filter"), kept.get("sort")
        if isinstance(view, str) and view in views.BY_KEY:
            self.use_view(view)
        if isinstance(text, str) and len(text) <= LONGEST_FILTER:
            self.use_filter(text)
        match sort:
            case [str(path), bool(descending)] if path in SORTABLE:
                self.sort = (path, descending)


def sort_label(path: str) -> str:
    """What a person calls what is sorted by."""
    return {"updated_at": "Last change", "project_id": "Project id"}.get(path) or label_of(path)
