"""Reads JSON strictly: whatever is missing, doubled or of another type is a ValueError.

No error holds a value: an answer may hold a receipt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar
from uuid import UUID

from ._secret import Secret

T = TypeVar("T")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")


def parse(body: bytes) -> object:
    """The value of a JSON text in UTF-8."""
    try:
        text = body.decode("utf-8")
        return json.loads(text, object_pairs_hook=_members, parse_constant=_constant)
    except RecursionError:
        raise ValueError("JSON that nests too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("JSON with a name twice")
    return members


def _constant(name: str) -> object:
    raise ValueError(f"JSON with {name}")


class Members:
    """The members of an object, each read by a decoder. Those that nobody reads are ignored."""

    __slots__ = ("_members", "_what")

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f"{what} is not an object")
        self._members, self._what = value, what

    def get(self, name: str, decode: Callable[[object], T]) -> T:
        """A member that must be there."""
        if name not in self._members:
            raise ValueError(f"{self._what} without {name}")
        try:
            return decode(self._members[name])
        except ValueError as error:
            raise ValueError(f"{self._what}.{name}: {error}") from None

    def optional(self, name: str, decode: Callable[[object], T]) -> T | None:
        """A member that may be absent or null."""
        if self._members.get(name) is None:
            return None
        return self.get(name, decode)


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    return value


def number(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError("not a number")
    return float(value)


def uuid(value: object) -> UUID:
    if not _UUID.fullmatch(text(value)):
        raise ValueError("not a UUID in lower case")
    return UUID(text(value))


def time(value: object) -> datetime:
    if not _TIME.fullmatch(text(value)):
        raise ValueError("not a time")
    return datetime.fromisoformat(text(value)).astimezone(timezone.utc)


def secret(value: object) -> Secret:
    return Secret(text(value))


def mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def anything(value: object) -> object:
    return value


def nullable(decode: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else decode(value)


def array(decode: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    def decode_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError("not an array")
        return tuple(decode(item) for item in value)

    return decode_all


def nothing(value: object) -> None:
    """The answer without a body."""


def raw(value: object) -> bytes:
    """An answer that is not JSON, as it came."""
    assert isinstance(value, bytes)
    return value
