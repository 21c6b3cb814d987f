"""Reads the table that the SDKs share (../../testdata), and serves its exchanges."""

from __future__ import annotations

import json
import pathlib
import threading
from typing import Any

from hydrapin._generated import operations as ops
from hydrapin._guard import OUTCOME_ROUTE

from network import Answer, Asked, Drop

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "testdata"
TABLE: dict[str, Any] = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
BASE: dict[str, Any] = TABLE["base"]
ROOT = f"/internal/v1/instances/{BASE['instance_id']}"
PIN = "804615"
# How long a reply that waits for another one is held at most.
HOLD = 10.0


def has_outcome() -> bool:
    """Whether the contract that this SDK was generated from has the outcome operation."""
    return OUTCOME_ROUTE in ops.BY_ROUTE


def confirmation(changes: dict[str, Any], remove: list[str] = []) -> bytes:
    members = {**BASE["confirmation"], **changes}
    return json.dumps({n: v for n, v in members.items() if n not in remove}).encode()


def question(call: dict[str, Any], parse: Any) -> dict[str, Any]:
    """The question of a guard case."""
    asked = {name: call.get(name, BASE[name]) for name in ("skill", "role", "customer_id")}
    for name in ("identity_id", "idempotency_key"):
        if name in call:
            asked[name] = call[name]
    if "summary" in call:
        asked["action"] = {"summary": call["summary"], "params": parse(call["params"])}
    return {name: value for name, value in asked.items() if value is not None}


class Script:
    """Answers the requests of one guard case, each by the first exchange that fits and is unused."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        self._exchanges = exchanges
        if not has_outcome():
            self._exchanges = [e for e in exchanges if not e["expect"]["path"].endswith("/outcome")]
        self._used = [False] * len(self._exchanges)
        self._answered = [threading.Event() for _ in self._exchanges]
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.problems: list[str] = []
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Answer:
        index = self._find(asked)
        exchange = self._exchanges[index]
        if "after" in exchange:
            self._answered[exchange["after"]].wait(HOLD)
        if exchange.get("hold"):
            self.over.wait(HOLD)
        try:
            return reply(exchange)
        finally:
            self._answered[index].set()

    def _find(self, asked: Asked) -> int:
        with self._lock:
            self.asked.append(asked)
            for i, exchange in enumerate(self._exchanges):
                if not self._used[i] and fits(exchange["expect"], asked):
                    self._used[i] = True
                    return i
            self.problems.append(f"unexpected {asked.method} {asked.target} {asked.body!r}")
            raise Drop

    def finish(self) -> None:
        self.over.set()
        for i, exchange in enumerate(self._exchanges):
            if not self._used[i] and not exchange.get("optional"):
                self.problems.append(f"not asked: {exchange['expect']}")
        assert not self.problems, self.problems


def fits(expect: dict[str, Any], asked: Asked) -> bool:
    path = ROOT + expect["path"].replace("{id}", BASE["confirmation_id"])
    if (asked.method, asked.path) != (expect["method"], path):
        return False
    assert asked.headers.get("x-api-key") == BASE["api_key"]
    return contains(asked.json, expect["body"]) if "body" in expect else True


def contains(value: Any, expected: Any) -> bool:
    """Whether an object has the expected members; what they hold is compared as a whole below."""
    return all(
        name in value and (contains(value[name], v) if name == "action" else value[name] == v)
        for name, v in expected.items()
    )


def reply(exchange: dict[str, Any]) -> Answer:
    drop = exchange.get("drop")
    if drop == "all":
        raise Drop
    if drop == "half":
        body = confirmation({"status": "redeemed"})
        return Answer(200, {}, body, cut=len(body) // 2)
    given = exchange["reply"]
    if "confirmation" in given:
        body = confirmation(given["confirmation"], given.get("remove", []))
    elif "json" in given:
        body = json.dumps(given["json"]).encode()
    else:
        body = given.get("text", "").encode()
    return Answer(given["status"], given.get("headers", {}), body)
