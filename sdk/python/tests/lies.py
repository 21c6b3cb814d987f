"""The lying server of ../../testdata/lies.json, generated from a seed."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Callable
from typing import Any

from network import Answer, Asked, Drop

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "testdata"
LIES: dict[str, Any] = json.loads((FOLDER / "lies.json").read_text(encoding="utf-8"))
QUESTION: dict[str, Any] = LIES["question"]
ROOT = f"/internal/v1/instances/{QUESTION['instance_id']}"


class Draws:
    """xorshift32."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 2654435761 % 2**32
        self.values: list[int] = []

    def pick(self, n: int) -> int:
        x = self._state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self._state = x
        self.values.append(x % n)
        return x % n

    def one(self, values: list[Any]) -> Any:
        return values[self.pick(len(values))]


class Lie:
    """What the server of a seed says, and at which step."""

    def __init__(self, seed: int) -> None:
        draws = Draws(seed)
        self.step = draws.one(LIES["steps"])
        self.kind = draws.one(LIES["kinds"])
        honest: bytes = self.step["body"].encode()
        status, body, cut = self.step["status"], honest, 0
        headers: dict[str, str] = {}
        if self.kind == "fields":
            members = json.loads(honest)
            for _ in range(1 + draws.pick(3)):
                change = draws.one(self.step["changes"])
                if "remove" in change:
                    members.pop(change["remove"], None)
                else:
                    members[change["member"]] = change["value"]
            body = json.dumps(members).encode()
        elif self.kind == "body":
            body = draws.one(LIES["bodies"]).encode()
        elif self.kind == "half":
            size, framing = draws.pick(len(honest)), draws.pick(2)
            if framing == 0:
                cut = len(honest) - size
            else:
                body = honest[:size]
        elif self.kind == "status":
            status = draws.one(self.step["statuses"])
        elif self.kind == "problem":
            status, code = draws.one(LIES["problem_statuses"]), draws.one(LIES["codes"])
            kind = "urn:hydrapin:problem:" + code
            body = json.dumps({
                "type": kind, "title": "t", "status": status, "detail": "d", "request_id": "r1",
            }).encode()  # fmt: skip
        elif self.kind == "redirect":
            status = draws.one(LIES["redirects"])
            path = ROOT + self.step["path"].replace("{id}", LIES["confirmation_id"])
            headers["Location"] = "/honest" + path
        elif self.kind == "other":
            body = json.dumps(json.loads(honest) | {"id": LIES["other_id"]}).encode()
        headers |= draws.one(LIES["headers"])
        self.answer = Answer(status, headers, body, cut, close=True)
        self.draws = draws.values

    def __str__(self) -> str:
        return f"{self.kind} at {self.step['name']}: {self.answer}"


def step_of(asked: Asked) -> dict[str, Any] | None:
    path = asked.path.removeprefix("/honest")
    for step in LIES["steps"]:
        if asked.method == step["method"] or path.startswith("/honest"):
            if path == ROOT + step["path"].replace("{id}", LIES["confirmation_id"]):
                found: dict[str, Any] = step
                return found
    return None


def liar(lie: Callable[[], Lie | None]) -> Callable[[Asked], Answer]:
    """A server that tells the lie of the moment."""

    def handle(asked: Asked) -> Answer:
        if asked.method == "DELETE":
            return Answer(204)
        step = step_of(asked)
        if step is None:
            return Answer(404)
        current = lie()
        if current is not None and step is current.step and not asked.path.startswith("/honest"):
            if current.kind == "drop":
                raise Drop
            return current.answer
        return Answer(step["status"], {}, step["body"].encode())

    return handle


def check_draws() -> None:
    """The draws are those that the file says."""
    seeds = range(1, LIES["seeds"] + 1)
    lines = [" ".join(map(str, Lie(seed).draws)) for seed in seeds]
    assert lines[:8] == [" ".join(map(str, values)) for values in LIES["check"]["first"]]
    text = "".join(f"{line}\n" for line in lines)
    assert hashlib.sha256(text.encode()).hexdigest() == LIES["check"]["sha256"]
