"""Calls: retries, timeouts, credentials, redirects, proxies, errors, the hook."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hydrapin import (
    Admin, APIError, ConfigurationError, CredentialError, NoAnswerError, ResponseInfo, Runtime,
    UnexpectedAnswerError, ValidationError, WrongPinError, __version__,
)  # fmt: skip
from hydrapin._generated import operations as ops
from hydrapin.errors import BusyError, NotFoundError, TooManyRequestsError

from network import Answer, Asked, Drop, serve
from table import BASE, confirmation

ID = BASE["confirmation_id"]
CUSTOMER = BASE["customer_id"]
STATUS = {
    "has_pin": True, "is_active": True, "is_locked": False, "locked_until": None,
    "created_at": "2026-11-01T09:30:00.000000Z", "set_by": "admin", "newer": [1],
}  # fmt: skip


def problem(status: int, code: str, **headers: str) -> Answer:
    body = {
        "type": "urn:hydrapin:problem:" + code, "title": "t", "status": status, "detail": "d",
        "request_id": "r1",
    }  # fmt: skip
    return Answer(status, headers, json.dumps(body).encode())


def pin_status(**changes: Any) -> Answer:
    return Answer(200, {"X-Request-Id": "r2"}, json.dumps(STATUS | changes).encode())


class Sequence:
    """Answers one after the other; the last one again and again."""

    def __init__(self, *answers: Answer | None) -> None:
        self._answers = list(answers)
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            raise Drop
        return answer


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as shared:
        yield shared


def admin(url: str, client: httpx.Client, **options: Any) -> Admin:
    return Admin(url, api_key="hc_live_key", client=client, **options)


def runtime(url: str, client: httpx.Client, **options: Any) -> Runtime:
    return Runtime(url, BASE["instance_id"], api_key="hc_agent_key", client=client, **options)


def test_a_read_is_repeated(client: httpx.Client) -> None:
    for passing in (None, problem(429, "x"), Answer(502), problem(503, "unavailable"), Answer(504)):
        sequence, infos = Sequence(passing, pin_status()), list[ResponseInfo]()
        with serve(sequence) as url:
            status = admin(url, client, on_response=infos.append).get_customer_pin_status(CUSTOMER)
        assert status.has_pin and len(sequence.asked) == 2
        assert [(i.operation, i.attempt) for i in infos] == [
            ("getCustomerPinStatus", 1), ("getCustomerPinStatus", 2),
        ]  # fmt: skip
        assert (infos[1].status, infos[1].request_id) == (200, "r2")
        assert infos[0].status == (None if passing is None else passing.status)


def test_what_is_repeated() -> None:
    repeatable = {o.id for o in ops.ALL if o.repeatable}
    gets = {o.id for o in ops.ALL if o.method == "GET"}
    assert {"declineConfirmation", "endPinSessions"} <= repeatable
    assert all(o.path.endswith("/outcome") for o in ops.ALL if o.id in repeatable - gets
               and o.id not in {"declineConfirmation", "endPinSessions"})  # fmt: skip
    assert gets <= repeatable


def test_a_write_is_not_repeated(client: httpx.Client) -> None:
    calls: list[Any] = [
        lambda a, r: a.set_customer_pin(CUSTOMER, {"pin": "804615"}),
        lambda a, r: a.remove_customer_pin(CUSTOMER),
        lambda a, r: a.unlock_customer_pin(CUSTOMER),
        lambda a, r: r.verify_confirmation(ID, {"pin": "804615"}),
        lambda a, r: r.redeem_confirmation(ID, {}),
        lambda a, r: r.ask_confirmation({"skill": "s", "role": "owner", "customer_id": CUSTOMER}),
    ]
    for call in calls:
        for passing in (None, problem(503, "unavailable"), Answer(429), Answer(502)):
            sequence = Sequence(passing)
            with serve(sequence) as url, pytest.raises((NoAnswerError, APIError)):
                call(admin(url, client), runtime(url, client))
            assert len(sequence.asked) == 1


def test_any_call_is_repeated_when_nothing_was_done(client: httpx.Client) -> None:
    redeemed = Answer(200, {}, confirmation({"status": "redeemed"}))
    for nothing_done in (problem(503, "busy"), problem(429, "too-many-requests")):
        sequence = Sequence(nothing_done, redeemed)
        with serve(sequence) as url:
            assert runtime(url, client).redeem_confirmation(ID, {}).status == "redeemed"
        assert len(sequence.asked) == 2


def test_ask_with_a_key_is_repeated(client: httpx.Client) -> None:
    sequence = Sequence(None, Answer(201, {}, confirmation({})))
    with serve(sequence) as url:
        runtime(url, client).ask_confirmation({
            "skill": BASE["skill"], "role": "owner", "customer_id": CUSTOMER, "idempotency_key": "k",
        })  # fmt: skip
    assert len(sequence.asked) == 2 and sequence.asked[0].json == sequence.asked[1].json


def test_retry_after_is_honoured(client: httpx.Client) -> None:
    with serve(Sequence(problem(503, "busy", **{"Retry-After": "1"}), pin_status())) as url:
        began = time.monotonic()
        admin(url, client).get_customer_pin_status(CUSTOMER)
        assert time.monotonic() - began >= 1
    # Longer than it pays to wait: the error comes at once.
    with serve(Sequence(problem(503, "busy", **{"Retry-After": "31"}))) as url:
        with pytest.raises(BusyError) as busy:
            admin(url, client).get_customer_pin_status(CUSTOMER)
    assert busy.value.retry_after == 31


def test_retries_end(client: httpx.Client) -> None:
    sequence = Sequence(None)
    with serve(sequence) as url, pytest.raises(NoAnswerError):
        admin(url, client, retries=2).get_customer_pin_status(CUSTOMER)
    assert len(sequence.asked) == 3


def test_errors_by_code(client: httpx.Client) -> None:
    wrong = problem(403, "wrong-pin")
    body = json.loads(wrong.body) | {
        "attempts_remaining": 0, "locked_until": "2026-11-01T09:45:00.000000Z",
    }  # fmt: skip
    with serve(Sequence(Answer(403, {}, json.dumps(body).encode()))) as url:
        with pytest.raises(WrongPinError) as error:
            runtime(url, client).verify_confirmation(ID, {"pin": "804615"})
    assert error.value.attempts_remaining == 0 and error.value.locked_until is not None
    assert (error.value.code, error.value.status, error.value.request_id) == ("wrong-pin", 403, "r1")
    assert "804615" not in repr(error.value) and "r1" in str(error.value)
    for answer, kind, code in (
        (problem(404, "not-found"), NotFoundError, "not-found"),
        (problem(429, "too-many-requests"), TooManyRequestsError, "too-many-requests"),
        (problem(418, "a-newer-one"), APIError, "a-newer-one"),
        (Answer(500, {"X-Request-Id": "r3"}, b"<html>"), APIError, None),
        (Answer(422, {}, b'{"detail":"x"}'), APIError, None),
    ):  # fmt: skip
        with serve(Sequence(answer)) as url, pytest.raises(kind) as refused:
            admin(url, client, retries=0).get_customer_pin_status(CUSTOMER)
        assert refused.value.code == code and type(refused.value) is kind
    details = b'{"detail":[{"loc":["body","pin",1],"msg":"m","type":"t"}]}'
    with serve(Sequence(Answer(422, {}, details))) as url, pytest.raises(ValidationError) as invalid:
        admin(url, client).get_customer_pin_status(CUSTOMER)
    assert invalid.value.details[0].loc == ("body", "pin", 1)


@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b"{}", b'{"has_pin":true}', b"\xff", b'{"a":NaN}',
    json.dumps({**STATUS, "has_pin": 1}).encode(),
    json.dumps({**STATUS, "created_at": "yesterday"}).encode(),
    json.dumps({**STATUS, "created_at": 5}).encode(),
    json.dumps(STATUS).encode()[:-1] + b',"has_pin":true}',
    b"[" * 100_000, b" " * (1 << 20) + b"{}",
])  # fmt: skip
def test_an_answer_that_is_not_the_contracts(body: bytes, client: httpx.Client) -> None:
    with serve(Sequence(Answer(200, {}, body))) as url, pytest.raises(UnexpectedAnswerError):
        admin(url, client).get_customer_pin_status(CUSTOMER)


def test_answers_of_others(client: httpx.Client) -> None:
    other = "11111111-2222-4333-8444-555555555555"
    approved = {"status": "approved", "reason": "pin"}
    cases: list[tuple[Any, dict[str, Any]]] = [
        (lambda r: r.get_confirmation(ID), {"id": other}),
        (lambda r: r.verify_confirmation(ID, {"pin": "1"}), approved | {"id": other}),
        (lambda r: r.verify_confirmation(ID, {"pin": "1"}), {}),
        (lambda r: r.redeem_confirmation(ID, {}), approved),
        (lambda r: r.redeem_confirmation(ID, {"skill": "other"}), {"status": "redeemed"}),
        (lambda r: r.get_confirmation(ID), {"status": "confirmed"}),
    ]
    for call, changes in cases:
        with serve(Sequence(Answer(200, {}, confirmation(changes)))) as url:
            with pytest.raises(UnexpectedAnswerError):
                call(runtime(url, client))
    policy = b'{"instance_id":"%s","pin_applies_to":"all","pin_required_skills":[],' % other.encode()
    policy += b'"pin_session_ttl_minutes":30,"pin_must_be_own":false,"pin_channels":"any"}'
    with serve(Sequence(Answer(200, {}, policy))) as url, pytest.raises(UnexpectedAnswerError):
        admin(url, client).get_pin_policy(ID)


def test_requests(client: httpx.Client) -> None:
    sequence = Sequence(pin_status())
    with serve(sequence) as url:
        a = admin(url + "/prefix/", client, user_agent="my-agent/2")
        a.set_customer_pin(CUSTOMER.upper(), {"pin": "804615"})
    asked = sequence.asked[0]
    assert asked.path == f"/prefix/v1/customers/{CUSTOMER}/pin"
    assert asked.json == {"pin": "804615"}
    assert asked.headers["x-api-key"] == "hc_live_key" and "authorization" not in asked.headers
    assert asked.headers["content-type"] == "application/json"
    agent = asked.headers["user-agent"]
    assert agent.startswith(f"my-agent/2 hydrapin-python/{__version__} httpx/") and "Python/3" in agent


def test_redirects_are_not_followed() -> None:
    sequence = Sequence(Answer(307, {"Location": "/elsewhere"}))
    with httpx.Client(follow_redirects=True) as client, serve(sequence) as url:
        with pytest.raises(UnexpectedAnswerError):
            admin(url, client).set_customer_pin(CUSTOMER, {"pin": "804615"})
    assert [a.path for a in sequence.asked] == [f"/v1/customers/{CUSTOMER}/pin"]


def test_no_proxy_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, real = Sequence(Answer(500)), Sequence(pin_status())
    with serve(proxy) as proxy_url, serve(real) as url:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy_url)
        for address in (url, url.replace("127.0.0.1", "localhost")):
            with Admin(address, api_key="hc_live_key") as a:
                assert a.get_customer_pin_status(CUSTOMER).has_pin
    assert proxy.asked == [] and len(real.asked) == 2


def test_no_netrc_and_no_authentication_of_the_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    sequence = Sequence(pin_status())
    with serve(sequence) as url, httpx.Client(auth=("me", "secret")) as client:
        admin(url, client).get_customer_pin_status(CUSTOMER)
        with Admin(url, api_key="hc_live_key") as own:
            own.get_customer_pin_status(CUSTOMER)
    assert all("authorization" not in a.headers for a in sequence.asked)


def test_credentials(client: httpx.Client) -> None:
    sequence = Sequence(pin_status())
    tokens = iter(["one", "two"])
    with serve(sequence) as url:
        a = Admin(url, token=lambda: next(tokens), client=client)
        a.get_customer_pin_status(CUSTOMER)
        a.get_customer_pin_status(CUSTOMER)
        Admin(url, token="fixed", client=client).get_customer_pin_status(CUSTOMER)
        for bad in ("", "with space", "with\nbreak", "ü", None):
            with pytest.raises(CredentialError):
                Admin(url, token=lambda: bad, client=client).get_customer_pin_status(CUSTOMER)  # type: ignore[arg-type, return-value]

        def broken() -> str:
            raise OSError("no token today")

        with pytest.raises(CredentialError) as failed:
            Admin(url, token=broken, client=client).get_customer_pin_status(CUSTOMER)
        assert isinstance(failed.value.__cause__, OSError)
    assert [a.headers["authorization"] for a in sequence.asked] == [
        "Bearer one", "Bearer two", "Bearer fixed",
    ]  # fmt: skip
    for options in ({}, {"api_key": "a", "token": "b"}, {"api_key": ""}, {"token": "a\nb"}):
        with pytest.raises(ConfigurationError):
            Admin("https://pins.example.com", **options)  # type: ignore[arg-type]
    for more in ({"timeout": 0}, {"retries": -1}, {"user_agent": "a\r\nb"}):
        with pytest.raises(ConfigurationError):
            Admin("https://pins.example.com", api_key="k", **more)  # type: ignore[arg-type]


def test_paths_cannot_be_injected(client: httpx.Client) -> None:
    sequence = Sequence(pin_status())
    with serve(sequence) as url:
        for bad in ("../admin", "a/b", "", CUSTOMER + "/pin?x", CUSTOMER + "\n", "{customer_id}", 5):
            with pytest.raises(ValueError):
                admin(url, client).get_customer_pin_status(bad)
    assert sequence.asked == []


def test_a_number_in_a_path(client: httpx.Client) -> None:
    event = {
        "index": 7, "id": ID, "time": "2026-11-01T09:30:00.000000Z", "tenant_id": ID,
        "type": "pin.locked", "actor_kind": "api_key", "actor_id": "k", "holder_type": "customer",
        "customer_id": CUSTOMER, "identity_id": None, "instance_id": None, "confirmation_id": None,
        "request_id": None, "peer": None, "details": {"failures": 5},
    }  # fmt: skip
    leaf = {"index": 7, "leaf": "e30=", "leaf_hash": "AAAA", "event": event}
    sequence = Sequence(Answer(200, {}, json.dumps(leaf).encode()))
    with serve(sequence) as url:
        got = admin(url, client).get_pin_event(7)
    assert sequence.asked[0].path == "/v1/pin-events/7"
    assert (got.event.type, got.event.details["failures"]) == ("pin.locked", 5)


def test_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    key = tmp_path / "key"
    key.write_text("hc_agent_file\n")
    monkeypatch.setenv("HYDRAPIN_URL", "https://pins.example.com")
    monkeypatch.setenv("HYDRAPIN_INSTANCE", BASE["instance_id"])
    with pytest.raises(ConfigurationError):
        Runtime.from_env()
    monkeypatch.setenv("HYDRAPIN_RUNTIME_KEY_FILE", str(key))
    Runtime.from_env().close()
    monkeypatch.setenv("HYDRAPIN_RUNTIME_KEY", "both")
    with pytest.raises(ConfigurationError):
        Runtime.from_env()
    with pytest.raises(ConfigurationError):
        Admin.from_env()
    monkeypatch.setenv("HYDRAPIN_TOKEN", "token")
    Admin.from_env().close()


def test_many_questions_wait_at_once() -> None:
    waiting = threading.Barrier(121)

    def server(asked: Asked) -> Answer:
        waiting.wait(30)
        return pin_status()

    done: list[bool] = []
    with serve(server) as url, Admin(url, api_key="k", retries=0, timeout=60) as a:
        threads = [
            threading.Thread(target=lambda: done.append(a.get_customer_pin_status(CUSTOMER).has_pin))
            for _ in range(120)
        ]
        for thread in threads:
            thread.start()
        waiting.wait(30)
        for thread in threads:
            thread.join()
    assert done == [True] * 120
