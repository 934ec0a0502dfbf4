"""What the API server's refusals mean to us."""

from __future__ import annotations

import json

import pytest

from tests.unit.runtime_kubernetes.api_server import status
from tradewind.ports import errors
from tradewind.runtime.kubernetes import statuses

_QUOTA = 'pods "p" is forbidden: exceeded quota: small, requested: pods=1, used: pods=5, limited: pods=5'
_ENDING = 'pods "p" is forbidden: unable to create new content in namespace a because it is being terminated'
_SECURITY = 'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'
_WEBHOOK = 'admission webhook "deny.example.com" denied the request: no'
_RIGHT = 'pods is forbidden: User "ann" cannot create resource "pods" in API group "" in the namespace "a"'
_JOBS = 'jobs.batch is forbidden: User "ann" cannot list resource "jobs" in API group "batch" at the cluster scope'
_RACE = 'Operation cannot be fulfilled on resourcequotas "small": the object has been modified'
_CALL = 'Internal error occurred: failed calling webhook "x.example.com": connection refused'


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        (status(401), errors.Unauthorized, "unauthorized"),
        (status(403, _RIGHT), errors.Rejected, "missing-right"),
        (status(403, _JOBS), errors.Rejected, "missing-right"),
        (status(403, _QUOTA), errors.Rejected, "quota-exceeded"),
        (status(403, _ENDING), errors.Rejected, "namespace-terminating"),
        (status(403, _SECURITY), errors.Rejected, "pod-security"),
        (status(403, _WEBHOOK), errors.Rejected, "admission-denied"),
        (status(400, _WEBHOOK), errors.Rejected, "admission-denied"),
        (status(400, "bad"), errors.Rejected, "bad-request"),
        (status(404, 'pods "p" not found'), errors.NotFound, "not-found"),
        (status(409, reason="AlreadyExists"), errors.Conflict, "already-exists"),
        (status(409, reason="Conflict"), errors.Conflict, "conflict"),
        (status(409, _RACE, details={"name": "small", "kind": "resourcequotas"}), errors.Transient, "transient"),
        (status(410), statuses.Expired, "resource-version-expired"),
        (status(422), errors.Rejected, "invalid"),
        (status(429), errors.Transient, "too-many-requests"),
        (status(500, _CALL), errors.Transient, "webhook-failed"),
        (status(504, reason="Timeout"), errors.Transient, "transient"),
    ],
)
def test_a_status_is_one_kind_of_error(told: dict[str, object], kind: type, code: str) -> None:
    code_of_http = told["code"]
    assert isinstance(code_of_http, int)
    error = statuses.error(code_of_http, json.dumps(told).encode(), asked="GET /x")
    assert (type(error), error.code) == (kind, code)


def test_a_missing_right_says_what_to_give_to_whom() -> None:
    error = statuses.error(403, json.dumps(status(403, _RIGHT)).encode(), asked="POST /x")
    assert error.message == "ann may not create pods in namespace a"
    assert error.hint == ("give it a Role with the verb 'create' on 'pods' in namespace a: `tradewind kubernetes role`")


def test_a_refused_field_is_named_with_its_cause() -> None:
    causes = [{"reason": "FieldValueInvalid", "message": "must be positive", "field": "spec.x"}]
    told = status(422, "Pod is invalid", details={"name": "p", "kind": "Pod", "causes": causes})
    error = statuses.error(422, json.dumps(told).encode(), asked="POST /x")
    assert (error.message, error.object) == ("Pod is invalid [spec.x: must be positive]", "Pod/p")


@pytest.mark.parametrize("body", [b"", b"<html>\n<h1>Bad gateway</h1>", b"\xff\xfe", b"[]", b'{"kind":"Pod"}'])
def test_an_answer_that_is_no_status_is_judged_by_its_http_status(body: bytes) -> None:
    assert isinstance(statuses.error(502, body, asked="GET /x"), errors.Transient)
    assert isinstance(statuses.error(404, body, asked="GET /x"), errors.NotFound)
