"""The keys of receipts from an address, and the store of seen receipts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from hydrapin.receipts import MemorySeen, ReceiptError, ReceiptVerifier, RemoteKeys, keys_from_jwks

from network import Answer, Asked, Drop, serve
from table import TABLE

JWKS = json.dumps(TABLE["receipt"]["jwks"]).encode()


class Clock:
    """time.monotonic of the module under test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("hydrapin.receipts.time.monotonic", clock)
    return clock


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ReceiptError) as refused:
        call()
    return refused.value.code


def test_keys_are_fetched_when_needed_and_kept(clock: Clock) -> None:
    answer: list[Answer | None] = [None]
    asked: list[Asked] = []

    def server(request: Asked) -> Answer:
        asked.append(request)
        if answer[0] is None:
            raise Drop
        return answer[0]

    with serve(server) as url:
        keys = RemoteKeys(f"{url}/.well-known/jwks.json")
        assert refusal(lambda: keys("r1")) == "keys_unavailable" and len(asked) == 1
        # Not again within five seconds.
        answer[0] = Answer(200, {}, JWKS)
        assert refusal(lambda: keys("r1")) == "keys_unavailable" and len(asked) == 1
        clock.now += 5
        assert len(keys("r1")) == 32 and len(asked) == 2
        # An unknown id is looked up at most once a minute: anyone can make up ids.
        assert refusal(lambda: keys("made-up")) == "unknown_key" and len(asked) == 2
        clock.now += 60
        assert refusal(lambda: keys("made-up")) == "unknown_key" and len(asked) == 3
        assert refusal(lambda: keys("made-up")) == "unknown_key" and len(asked) == 3
        # After an hour they are fetched again; while that fails, the last good ones are used.
        answer[0] = None
        clock.now += 3600
        assert len(keys("r1")) == 32 and len(asked) == 4
        clock.now += 23 * 3600
        assert refusal(lambda: keys("r1")) == "keys_unavailable"
        answer[0] = Answer(200, {}, JWKS)
        clock.now += 5
        assert len(keys("r2")) == 32
    assert {a.target for a in asked} == {"/.well-known/jwks.json"}


@pytest.mark.parametrize("answer", [
    Answer(404), Answer(307, {"Location": "/honest"}), Answer(200, {}, b"<html>"),
    Answer(200, {}, b'{"keys":[]}'), Answer(200, {}, JWKS + b" " * 65536), Answer(200, {}, JWKS, cut=9),
    Answer(201, {}, JWKS),
])  # fmt: skip
def test_keys_that_cannot_be_trusted(answer: Answer) -> None:
    def server(asked: Asked) -> Answer:
        return Answer(200, {}, JWKS) if asked.target == "/honest" else answer

    with serve(server) as url:
        keys = RemoteKeys(url)
        assert refusal(lambda: keys("r1")) == "keys_unavailable"


def test_addresses_of_keys() -> None:
    for good in ("https://pins.example.com/.well-known/jwks.json", "http://localhost:1/x"):
        RemoteKeys(good)
    for bad in ("http://pins.example.com/x", "ftp://x", "", "https://", "https://a@b/x"):
        with pytest.raises(ValueError):
            RemoteKeys(bad)


def test_key_sets() -> None:
    for bad in (b"", b"[]", b"{}", b'{"keys":5}', b'{"keys":[{"kty":"RSA","kid":"a"}]}',
                b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"AA"}]}'):  # fmt: skip
        with pytest.raises(ValueError):
            keys_from_jwks(bad)
    one, two = (k for k in TABLE["receipt"]["jwks"]["keys"][:2])
    with pytest.raises(ValueError):
        keys_from_jwks({"keys": [one, {**two, "kid": one["kid"]}]})
    with pytest.raises(ValueError):
        keys_from_jwks({"keys": [{**one, "use": "enc"}]})
    assert len(keys_from_jwks({"keys": [one, one]})("r1")) == 32


def test_a_receipt_is_seen_once_by_many_threads() -> None:
    seen, first = MemorySeen(), list[bool]()
    until = datetime.now(timezone.utc) + timedelta(minutes=1)
    threads = [
        threading.Thread(target=lambda: first.append(seen.add("id", until))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.count(True) == 1
    assert seen.add("late", datetime.now(timezone.utc)) is False


def test_a_full_store_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hydrapin.receipts.MAX_SEEN", 2)
    seen = MemorySeen()
    until = datetime.now(timezone.utc) + timedelta(minutes=1)
    assert seen.add("a", until) and seen.add("b", until)
    with pytest.raises(OverflowError):
        seen.add("c", until)


def test_what_a_verifier_is_made_of() -> None:
    for arguments in (("", print, MemorySeen()), ("x", None, MemorySeen()), ("x", print, None)):
        with pytest.raises(ReceiptError):
            ReceiptVerifier(*arguments)  # type: ignore[arg-type]
