from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
import requests
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest
from urllib3 import exceptions as u3

from services.itsc_sf_sync import FIELD_MAP
from services.sync.targets.base import ErrorClass
from services.sync.targets.sf_errors import (
    Asked,
    classify,
    classify_answer,
    classify_exception,
    classify_row,
    not_sent,
    retry_after_seconds,
    unreadable,
)
from services.sync.targets.sf_writes import Terms

UNKNOWN, TRANSIENT, PAUSE, STALE, PERMANENT = (
    ErrorClass.UNKNOWN,
    ErrorClass.TRANSIENT,
    ErrorClass.PAUSE,
    ErrorClass.STALE,
    ErrorClass.PERMANENT,
)
PATHS = Terms("012", lambda _: None, FIELD_MAP).paths()
UPSERT = Asked(upsert=True, references=True, paths=PATHS)
UPDATE = Asked(by_id=True, paths=PATHS)
OWNED = Asked(by_id=True, references=True, paths=PATHS)
ALONE = Asked(by_id=True, one=True, paths=PATHS)
READ = Asked(writing=False, paths=PATHS)


def body(code: str, message: str = "words", fields: list[str] | None = None) -> list[Any]:
    return [{"message": message, "errorCode": code, "fields": fields or []}]


@pytest.mark.parametrize(
    ("asked", "status", "content", "cls"),
    [
        # unknown outcome
        (UPSERT, 500, body("UNKNOWN_EXCEPTION"), UNKNOWN),
        (UPSERT, 500, "", UNKNOWN),
        (UPSERT, 500, "<html>oops</html>", UNKNOWN),
        (UPSERT, 502, "Bad gateway", UNKNOWN),
        (UPSERT, 503, "", UNKNOWN),
        (UPSERT, 504, "", UNKNOWN),
        (UPSERT, 408, "", UNKNOWN),
        # transient
        (UPSERT, 400, body("UNABLE_TO_LOCK_ROW"), TRANSIENT),
        (UPSERT, 400, body("DUPLICATE_VALUE"), TRANSIENT),
        (ALONE, 400, body("UNABLE_TO_LOCK_ROW"), TRANSIENT),
        # the whole target
        (UPSERT, 401, body("INVALID_SESSION_ID"), PAUSE),
        (UPSERT, 401, {"error": "what"}, PAUSE),
        (UPSERT, 401, "", PAUSE),
        (UPSERT, 403, body("REQUEST_LIMIT_EXCEEDED"), PAUSE),
        (UPSERT, 403, body("API_DISABLED_FOR_ORG"), PAUSE),
        (UPSERT, 503, body("SERVER_UNAVAILABLE"), PAUSE),
        (UPSERT, 503, body("SOMETHING_NEW"), PAUSE),
        (UPSERT, 429, "", PAUSE),
        (UPSERT, 420, "", PAUSE),
        (UPSERT, 429, body("TOO_MANY"), PAUSE),
        (UPSERT, 302, "", PAUSE),
        (UPSERT, 403, "<html>blocked by the proxy</html>", PAUSE),
        (UPSERT, 404, "<html>no</html>", PAUSE),
        (UPSERT, 404, body("NOT_FOUND"), PAUSE),
        (UPSERT, 405, body("METHOD_NOT_ALLOWED"), PAUSE),
        # conflict
        (ALONE, 412, "", STALE),
        (ALONE, 412, body("PRECONDITION"), STALE),
        (ALONE, 404, body("NOT_FOUND"), STALE),
        (ALONE, 404, body("ENTITY_IS_DELETED"), STALE),
        (ALONE, 400, body("INVALID_CROSS_REFERENCE_KEY"), STALE),
        # permanent
        (ALONE, 400, body("INVALID_CROSS_REFERENCE_KEY", fields=["OwnerId"]), PERMANENT),
        (ALONE, 400, body("FIELD_CUSTOM_VALIDATION_EXCEPTION"), PERMANENT),
        (ALONE, 400, body("DUPLICATE_VALUE"), PERMANENT),
        (UPSERT, 400, body("JSON_PARSER_ERROR"), PERMANENT),
        (UPSERT, 400, body("INVALID_FIELD"), PERMANENT),
        (UPSERT, 400, "", PERMANENT),
        (UPSERT, 403, body("INSUFFICIENT_ACCESS_OR_READONLY"), PERMANENT),
        (UPSERT, 300, ["/services/data/v59.0/sobjects/Ticket__c/a0"], PERMANENT),
        (UPSERT, 413, "", PERMANENT),
        # reading: nothing is uncertain, and no row is to blame
        (READ, 500, body("UNKNOWN_EXCEPTION"), TRANSIENT),
        (READ, 502, "", TRANSIENT),
        (READ, 400, body("MALFORMED_QUERY"), PAUSE),
        (READ, 400, body("INVALID_FIELD"), PAUSE),
        (READ, 429, "", PAUSE),
        (READ, 403, body("REQUEST_LIMIT_EXCEEDED"), PAUSE),
    ],
)
def test_a_refused_request_has_the_class_of_its_code_then_of_its_status(
    asked: Asked, status: int, content: Any, cls: ErrorClass
) -> None:
    problem = classify_answer(status, content, asked)
    assert problem.cls is cls
    assert problem.code == (content[0]["errorCode"] if _has_code(content) else problem.code)
    assert problem.sentence
    assert "\n" not in problem.sentence


def _has_code(content: Any) -> bool:
    return isinstance(content, list) and isinstance(content[0], dict)


@pytest.mark.parametrize(
    ("asked", "code", "fields", "cls"),
    [
        (UPSERT, "UNABLE_TO_LOCK_ROW", [], TRANSIENT),
        (UPSERT, "DUPLICATE_VALUE", ["DataOS_Project_Id__c"], TRANSIENT),
        (UPSERT, "SERVER_UNAVAILABLE", [], TRANSIENT),
        (UPSERT, "UNKNOWN_EXCEPTION", [], TRANSIENT),
        (UPDATE, "DUPLICATE_VALUE", [], PERMANENT),
        (UPDATE, "ENTITY_IS_DELETED", [], STALE),
        (UPDATE, "NOT_FOUND", [], STALE),
        (UPDATE, "INVALID_CROSS_REFERENCE_KEY", [], STALE),
        (OWNED, "ENTITY_IS_DELETED", [], STALE),
        (OWNED, "INVALID_CROSS_REFERENCE_KEY", [], PERMANENT),
        (OWNED, "INVALID_CROSS_REFERENCE_KEY", ["OwnerId"], PERMANENT),
        (UPSERT, "INVALID_CROSS_REFERENCE_KEY", [], PERMANENT),
        (UPSERT, "ENTITY_IS_DELETED", [], PERMANENT),
        (UPSERT, "FIELD_CUSTOM_VALIDATION_EXCEPTION", [], PERMANENT),
        (UPSERT, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Status__c"], PERMANENT),
        (UPSERT, "STRING_TOO_LONG", ["Title__c"], PERMANENT),
        (UPSERT, "MALFORMED_ID", ["IT_Lead__c"], PERMANENT),
        (UPSERT, "REQUIRED_FIELD_MISSING", ["Title__c"], PERMANENT),
        (UPSERT, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", [], PERMANENT),
        (UPSERT, "DUPLICATE_EXTERNAL_ID", [], PERMANENT),
        (UPSERT, "A_CODE_OF_NEXT_YEAR", [], PERMANENT),
        (UPSERT, "REQUEST_LIMIT_EXCEEDED", [], PAUSE),
    ],
)
def test_a_refused_row_has_the_class_of_its_code(
    asked: Asked, code: str, fields: list[str], cls: ErrorClass
) -> None:
    errors = [{"statusCode": code, "message": "words", "fields": fields}]
    problem = classify_row(errors, asked, errors)
    assert (problem.cls, problem.code, problem.message) == (cls, code, "words")
    assert problem.response == errors


def test_the_gravest_of_several_errors_decides_and_all_fields_are_named() -> None:
    errors = [
        {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked", "fields": []},
        {"statusCode": "STRING_TOO_LONG", "message": "long", "fields": ["Title__c"]},
        {"statusCode": "INVALID_EMAIL", "message": "url", "fields": ["Status__c", "Odd__c"]},
    ]
    problem = classify_row(errors, UPSERT, None)
    assert (problem.cls, problem.code) == (PERMANENT, "STRING_TOO_LONG")
    assert problem.message == "locked; long; url"
    assert problem.fields == ("feature_name", "status")


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("Punchline__c", "brief.punchline"),
        ("OwnerId", "product_owner"),
        ("Parent_Initiative__c", "parent_id"),
        ("Parent_Initiative__r", "parent_id"),
        ("DataOS_Project_Id__c", "project_id"),
        ("Launch_Target__c", "launch_target"),
    ],
)
def test_a_field_is_named_by_the_models_path(named: str, path: str) -> None:
    errors = [{"statusCode": "X", "message": "m", "fields": [named]}]
    assert classify_row(errors, UPSERT, None).fields == (path,)


@pytest.mark.parametrize(
    ("message", "paths"),
    [
        ("No such column 'Strategic_Group__c' on sobject of type Ticket__c", ("strategic_group",)),
        (
            "Unable to create/update fields: Total_Score__c, OwnerId. Please check the security",
            ("total_score", "product_owner"),
        ),
    ],
)
def test_fields_that_only_the_words_name_are_found(message: str, paths: tuple[str, ...]) -> None:
    problem = classify_answer(400, body("INVALID_FIELD", message), UPSERT)
    assert problem.fields == paths
    assert "permission set" in problem.sentence


def test_a_parent_that_is_not_there_is_named_as_the_parent() -> None:
    words = "Foreign key external ID: nobody not found for field DataOS_Project_Id__c in entity X"
    errors = [{"statusCode": "INVALID_FIELD", "message": words, "fields": []}]
    problem = classify_row(errors, OWNED, None)
    assert (problem.cls, problem.fields) == (PERMANENT, ("parent_id",))
    assert problem.sentence == f"Salesforce refused the value of Parent Initiative: {words}"


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (
            classify_row(
                [
                    {
                        "statusCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                        "message": "Status: bad value for restricted picklist field: In Proof",
                        "fields": ["Status__c"],
                    }
                ],
                UPSERT,
                None,
            ),
            "Salesforce refused the value of Status: "
            "Status: bad value for restricted picklist field: In Proof",
        ),
        (
            classify_answer(
                403, body("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), UPSERT
            ),
            "Salesforce's daily API limit is used up",
        ),
        (
            classify_answer(403, body("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (…)"), UPSERT),
            "Salesforce has too many requests running at once",
        ),
        (
            classify_answer(401, body("INVALID_SESSION_ID"), UPSERT),
            "Salesforce can't be used: the access token was refused",
        ),
        (
            classify_answer(412, "", ALONE),
            "The record changed in Salesforce in the meantime",
        ),
        (
            classify_answer(502, "", UPSERT),
            "Salesforce failed with HTTP 502; whether it took the change is not known yet",
        ),
        (
            classify_answer(403, "<html>", UPSERT),
            "Something other than Salesforce answered (HTTP 403)",
        ),
    ],
)
def test_the_sentence_is_plain(problem: Any, sentence: str) -> None:
    assert problem.sentence == sentence


def test_hostile_words_are_kept_but_shown_harmless() -> None:
    words = "a\x1b[31m\nred\u202e " + "x" * 500
    problem = classify_row([{"statusCode": "X", "message": words, "fields": []}], UPSERT, None)
    assert problem.message == words
    assert problem.sentence.isprintable()
    assert len(problem.sentence) < 400


def wrapped(reason: Exception, kind: Any = requests.exceptions.ConnectionError) -> Exception:
    """A failure in the layers in which requests gives it."""
    failure: Exception = kind(u3.MaxRetryError(None, "/x", reason))  # type: ignore[arg-type]
    return failure


def new_connection(cause: OSError) -> u3.NewConnectionError:
    error = u3.NewConnectionError(None, f"Failed to establish: {cause}")  # type: ignore[arg-type]
    error.__cause__ = cause
    return error


NO_NAME = u3.NameResolutionError("acme.my", None, socket.gaierror(-2, "unknown"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failure", "cls", "code", "words"),
    [
        (
            wrapped(new_connection(ConnectionRefusedError(111, "refused"))),
            PAUSE,
            "CONNECTION_REFUSED",
            "Salesforce is not reachable (connection refused)",
        ),
        (
            wrapped(new_connection(OSError(101, "Network is unreachable"))),
            PAUSE,
            "NO_ROUTE",
            "Salesforce is not reachable (no connection)",
        ),
        (wrapped(NO_NAME), PAUSE, "DNS", "its name can't be resolved"),
        (
            requests.exceptions.ConnectionError(socket.gaierror(-3, "try again")),
            PAUSE,
            "DNS",
            "its name can't be resolved",
        ),
        (
            wrapped(u3.ConnectTimeoutError(), requests.exceptions.ConnectTimeout),
            PAUSE,
            "CONNECT_TIMEOUT",
            "no answer to the connection attempt",
        ),
        (
            wrapped(u3.SSLError(ssl.SSLCertVerificationError()), requests.exceptions.SSLError),
            PAUSE,
            "TLS",
            "its certificate is not trusted",
        ),
        (requests.exceptions.ProxyError("no"), PAUSE, "PROXY", "the proxy refused"),
        (requests.exceptions.InvalidSchema("host: https"), PAUSE, "BAD_ADDRESS", "address"),
        (
            requests.exceptions.ReadTimeout(u3.ReadTimeoutError(None, "/", "Read timed out.")),  # type: ignore[arg-type]
            UNKNOWN,
            "READ_TIMEOUT",
            "not known yet",
        ),
        (
            requests.exceptions.ConnectionError(u3.ReadTimeoutError(None, "/", "Read timed out.")),  # type: ignore[arg-type]
            UNKNOWN,
            "READ_TIMEOUT",
            "not known yet",
        ),
        (
            requests.exceptions.ConnectionError(
                u3.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
            ),
            UNKNOWN,
            "CONNECTION_LOST",
            "not known yet",
        ),
        (
            requests.exceptions.ChunkedEncodingError(u3.ProtocolError("IncompleteRead")),
            UNKNOWN,
            "CONNECTION_LOST",
            "not known yet",
        ),
        (
            wrapped(u3.SSLError(ssl.SSLError("bad record mac")), requests.exceptions.SSLError),
            UNKNOWN,
            "CONNECTION_LOST",
            "not known yet",
        ),
        (
            requests.exceptions.ContentDecodingError("gzip"),
            UNKNOWN,
            "CONNECTION_LOST",
            "not known yet",
        ),
        (
            requests.exceptions.JSONDecodeError("no", "<html>", 0),
            UNKNOWN,
            "UNREADABLE_ANSWER",
            "can't be read",
        ),
    ],
)
def test_a_request_without_an_answer_is_uncertain_only_if_it_may_have_left(
    failure: Exception, cls: ErrorClass, code: str, words: str
) -> None:
    problem = classify_exception(failure, UPSERT)
    assert (problem.cls, problem.code) == (cls, code)
    assert words in problem.sentence
    reading = classify_exception(failure, READ)
    assert reading.cls is (TRANSIENT if cls is UNKNOWN else PAUSE)
    assert "not known yet" not in reading.sentence


def test_a_header_that_can_not_be_sent_does_not_show_the_token() -> None:
    failure = requests.exceptions.InvalidHeader("Invalid header: 'Bearer SECRET\\n'")
    problem = classify_exception(failure, UPSERT)
    assert "SECRET" not in f"{problem}"


def test_classify_takes_the_libraries_exceptions_and_no_others() -> None:
    refused = SalesforceMalformedRequest("u", 400, "n", body("STRING_TOO_LONG"))  # type: ignore[arg-type]
    assert classify(refused, UPSERT) == classify_answer(400, body("STRING_TOO_LONG"), UPSERT)
    failed = SalesforceGeneralError("u", 429, "n", b"")
    problem = classify(failed, UPSERT, 7.0)
    assert problem is not None
    assert (problem.cls, problem.retry_after) == (PAUSE, 7.0)
    lost = classify(requests.exceptions.ReadTimeout(), UPSERT)
    assert lost is not None
    assert lost.cls is UNKNOWN
    assert classify(ZeroDivisionError(), UPSERT) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 2.5 ", 2.5),
        ("Sat, 21 Nov 2026 05:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 04:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    now = 1795237200.0  # 2026-11-21T05:00:00Z
    assert retry_after_seconds(header, now) == seconds


def test_an_answer_that_can_not_be_read_keeps_what_came() -> None:
    problem = unreadable(UPSERT, b"<html>\xff")
    assert problem.cls is UNKNOWN
    assert problem.message == "<html>\ufffd"
    assert unreadable(READ, None).cls is TRANSIENT


def test_what_was_not_sent_says_why_and_charges_nothing() -> None:
    cause = classify_exception(requests.exceptions.ReadTimeout(), UPSERT)
    problem = not_sent(cause)
    assert problem.cls is PAUSE
    assert problem.sentence == (
        "Not sent, because a request before this one failed (Salesforce did not answer in time)"
    )
    closed = classify_answer(403, body("REQUEST_LIMIT_EXCEEDED"), UPSERT)
    assert not_sent(closed) == closed
