"""How a batch of writes is cut into requests, and what a refused request means for its rows.

Pure but for the ``send`` it is given: knows neither gRPC nor Firestore's messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from services.sync.targets.base import ErrorClass, Problem, TargetDown
from services.sync.targets.fs_documents import DocResult, DocStatus
from services.sync.targets.fs_errors import not_sent

T = TypeVar("T")

REQUEST_BYTES = 7 * 1024 * 1024 // 2
"""One request stays under this: the emulator takes 4 MiB (measured), Firestore itself 10."""


class RequestFailed(Exception):
    """A write request that brought no answer for its rows."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence)


def deliver(
    items: Sequence[T],
    size: Callable[[T], int],
    send: Callable[[Sequence[T]], list[DocResult]],
    limit: int = REQUEST_BYTES,
) -> list[DocResult]:
    """Send all items in requests of at most ``limit`` bytes; one result each, in order.

    ``send`` answers one result an item, or raises RequestFailed. A request that is refused for
    good applied nothing; it goes again in halves until the bad row stands alone. After a request
    that says the target is away, or whose outcome is not known, nothing more is sent.

    Raises TargetDown where the target refused before anything was answered.
    """
    waiting = deque(_requests(items, size, limit))
    results: list[DocResult] = []
    while waiting:
        request = waiting.popleft()
        try:
            results += send(request)
            continue
        except RequestFailed as failure:
            problem = failure.problem
        if problem.cls is ErrorClass.PERMANENT and len(request) > 1:
            middle = len(request) // 2
            waiting.extendleft((request[middle:], request[:middle]))
            continue
        if problem.cls is ErrorClass.PAUSE and not results:
            raise TargetDown(problem)
        results += [DocResult(DocStatus.PROBLEM, problem=problem)] * len(request)
        if problem.cls in (ErrorClass.PAUSE, ErrorClass.UNKNOWN):
            unsent = sum(map(len, waiting))
            results += [DocResult(DocStatus.PROBLEM, problem=not_sent(problem))] * unsent
            break
    return results


def _requests(items: Sequence[T], size: Callable[[T], int], limit: int) -> Iterator[list[T]]:
    request: list[T] = []
    total = 0
    for item in items:
        weight = size(item)
        if request and total + weight > limit:
            yield request
            request, total = [], 0
        request.append(item)
        total += weight
    if request:
        yield request
