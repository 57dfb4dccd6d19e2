"""Composite: up to 25 requests in one, each able to use what earlier ones answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from services.sandbox.errors import ApiError
from services.sandbox.org import Org
from services.sandbox.wire import Answer, Call

MAX_REQUESTS = 25
MAX_QUERIES = 5
_REFERENCE = re.compile(r"@\{([^}]+)\}")
_STEP = re.compile(r"([A-Za-z_]\w*)|\[(\d+)\]")
_HALTED = {
    "errorCode": "PROCESSING_HALTED",
    "message": "The transaction was rolled back since another operation in the same transaction"
    " failed.",
}

Dispatch = Callable[[Org, Call], Answer]


class _Halted(Exception):
    """Leaves the transaction of a composite request that is to be undone as a whole."""


def run(org: Org, call: Call, dispatch: Dispatch) -> Answer:
    """Carry out a composite request. Raises ApiError where its form is wrong."""
    body = call.json_object()
    requests = body.get("compositeRequest")
    if not isinstance(requests, list) or not requests:
        raise ApiError(400, "JSON_PARSER_ERROR", "compositeRequest must be a list of requests")
    if len(requests) > MAX_REQUESTS:
        raise ApiError(
            400, "LIMIT_EXCEEDED", f"Limit exceeded: at most {MAX_REQUESTS} subrequests are allowed"
        )
    _check(requests)
    results: list[dict[str, Any]] = []
    if not body.get("allOrNone"):
        _carry_out(org, call, requests, dispatch, results)
        return Answer(200, {"compositeResponse": results})
    try:
        with org.store.transaction():
            _carry_out(org, call, requests, dispatch, results)
            if any(r["httpStatusCode"] >= 400 for r in results):
                raise _Halted
    except _Halted:
        results = [
            r
            if r["httpStatusCode"] >= 400
            else r | {"body": [_HALTED], "httpHeaders": {}, "httpStatusCode": 400}
            for r in results
        ]
    return Answer(200, {"compositeResponse": results})


def _check(requests: list[Any]) -> None:
    seen: set[str] = set()
    queries = 0
    for request in requests:
        if not isinstance(request, dict) or not all(
            isinstance(request.get(key), str) for key in ("method", "url", "referenceId")
        ):
            raise ApiError(
                400, "JSON_PARSER_ERROR", "Each subrequest needs method, url and referenceId"
            )
        if not isinstance(request.get("httpHeaders") or {}, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "httpHeaders must be an object")
        if request["referenceId"] in seen:
            raise ApiError(
                400, "INVALID_INPUT", f"Duplicate reference id: {request['referenceId']}"
            )
        seen.add(request["referenceId"])
        path = _split(request["url"]).path
        queries += "/query" in path or "/composite/sobjects" in path
    if queries > MAX_QUERIES:
        raise ApiError(
            400,
            "LIMIT_EXCEEDED",
            f"Limit exceeded: at most {MAX_QUERIES} subrequests can be queries or collections",
        )


def _carry_out(
    org: Org,
    call: Call,
    requests: list[dict[str, Any]],
    dispatch: Dispatch,
    results: list[dict[str, Any]],
) -> None:
    answers: dict[str, Any] = {}
    for request in requests:
        try:
            answer = dispatch(org, _subcall(call, _substituted(request, answers)))
        except ApiError as error:
            answer = Answer(error.status, [error.fault.as_request_error()])
        if answer.status < 400:
            answers[request["referenceId"]] = answer.body
        results.append(
            {
                "body": answer.body,
                "httpHeaders": dict(answer.headers),
                "httpStatusCode": answer.status,
                "referenceId": request["referenceId"],
            }
        )


def _subcall(call: Call, request: Mapping[str, Any]) -> Call:
    parts = _split(request["url"])
    segments = [unquote(s) for s in parts.path.strip("/").split("/")]
    if segments[:2] != ["services", "data"] or len(segments) < 4:
        raise ApiError(400, "INVALID_INPUT", f"The url is not supported here: {request['url']}")
    if segments[3].lower() == "composite" and segments[4:5] != ["sobjects"]:
        raise ApiError(400, "INVALID_INPUT", "A composite request can't hold another one")
    headers = {str(k).lower(): str(v) for k, v in (request.get("httpHeaders") or {}).items()}
    body = request.get("body")
    return replace(
        call,
        method=request["method"].upper(),
        parts=tuple(segments[3:]),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers | {"content-type": "application/json"},
        body=b"" if body is None else json.dumps(body).encode(),
        version=segments[2].removeprefix("v"),
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ApiError(400, "INVALID_INPUT", f"The url is none: {url}") from None


def _substituted(value: Any, answers: Mapping[str, Any]) -> Any:
    """The value with every ``@{reference.path}`` in its texts replaced. Raises ApiError."""
    if isinstance(value, dict):
        return {key: _substituted(part, answers) for key, part in value.items()}
    if isinstance(value, list):
        return [_substituted(part, answers) for part in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _referenced(whole[1], answers)
    return _REFERENCE.sub(lambda found: str(_referenced(found[1], answers)), value)


def _referenced(path: str, answers: Mapping[str, Any]) -> Any:
    name, _, rest = path.partition(".")
    name, bracket, index = name.partition("[")
    value = answers.get(name)
    for word, number in _STEP.findall(f"{bracket}{index}.{rest}"):
        if word and isinstance(value, dict):
            value = value.get(word)
        elif number and isinstance(value, list) and int(number) < len(value):
            value = value[int(number)]
        else:
            value = None
    if value is None:
        raise ApiError(
            400,
            "PROCESSING_HALTED",
            f"Invalid reference specified. No value for {path} found in {name}",
        )
    return value
