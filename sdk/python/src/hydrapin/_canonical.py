"""The canonical form of an action's params (RFC 8785), which is what is confirmed and hashed.

It refuses what two readers could take for two values: integers that a double does not keep, numbers
that are not finite, decimals, lone surrogates, names that occur twice. Every error names the
member, never its value.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_BYTES = 16 * 1024
MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1

_PLAIN = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")


class ParamsError(ValueError):
    """Params that cannot be confirmed. The message names the member, never its value."""


def canonical_params(params: Mapping[str, Any]) -> str:
    """The canonical text of params.

    Accepted are dicts with str as names, lists, tuples, str, bool, None, int within ±(2**53 - 1) and
    finite float within the same bounds; anything else is a ParamsError. Pass amounts and long
    numbers as strings.
    """
    if not isinstance(params, Mapping):
        raise ParamsError("params must be a dict")
    text = write(params, "params", 1)
    if len(text.encode("utf-8")) > MAX_BYTES:
        raise ParamsError("params are longer than 16 KiB")
    return text


def params_digest(params: Mapping[str, Any]) -> str:
    """The digest of params as a confirmation and a receipt have it."""
    return digest_of(canonical_params(params))


def digest_of(canonical: str) -> str:
    return "sha-256:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def parse_params(text: str | bytes) -> dict[str, Any]:
    """Reads params from JSON text, such as the arguments of a tool call.

    Unlike `json.loads`, it refuses what readers disagree about: a name twice, numbers that a double
    does not keep, NaN. It returns what canonical_params accepts.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_members, parse_float=_Number, parse_int=_Number,
            parse_constant=_Number,
        )
    except RecursionError:
        raise ParamsError("params nest deeper than 32 levels") from None
    except UnicodeDecodeError:
        raise ParamsError("params are not UTF-8") from None
    except json.JSONDecodeError:
        raise ParamsError("params are not valid JSON") from None
    if not isinstance(value, dict):
        raise ParamsError("params must be a JSON object")
    read: dict[str, Any] = _numbers(value, "params", 1)
    canonical_params(read)
    return read


class _Number(str):
    """A number as it is written."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ParamsError(f"params have the name {json.dumps(name)} twice in one object")
        members[name] = value
    return members


def _numbers(value: Any, at: str, depth: int) -> Any:
    """The same value, its numbers read; each must be the decimal value that a double prints."""
    if isinstance(value, _Number):
        return _number(value, at)
    if isinstance(value, (dict, list)) and depth > MAX_DEPTH:
        raise ParamsError("params nest deeper than 32 levels")
    if isinstance(value, dict):
        return {name: _numbers(v, _member(at, name), depth + 1) for name, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v, f"{at}[{i}]", depth + 1) for i, v in enumerate(value)]
    return value


def _number(token: str, at: str) -> int | float:
    refused = ParamsError(f"{at} is a number that does not survive as a double: pass a string")
    try:
        double = float(token)
        if not math.isfinite(double) or len(token) > 400:
            raise refused
        # Decimal reads any exponent exactly, and comparing costs no more than the digits.
        if Decimal(token) != Decimal(repr(double)):
            raise refused
    except (ValueError, InvalidOperation, OverflowError):
        raise refused from None
    return int(double) if double.is_integer() and abs(double) <= MAX_INTEGER else double


def _member(at: str, name: str) -> str:
    return f"{at}.{name}" if _PLAIN.fullmatch(name) else f"{at}[{json.dumps(name)}]"


def write(value: object, at: str, depth: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return write_string(value, at)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ParamsError(f"{at} is an integer outside ±(2^53-1): pass a string")
        return int.__repr__(value)
    if isinstance(value, float):
        return _write_float(value, at)
    if isinstance(value, (Mapping, list, tuple)) and depth > MAX_DEPTH:
        # Also what ends a structure that contains itself.
        raise ParamsError("params nest deeper than 32 levels")
    if isinstance(value, Mapping):
        return _write_object(value, at, depth)
    if isinstance(value, (list, tuple)):
        items = (write(item, f"{at}[{i}]", depth + 1) for i, item in enumerate(value))
        return "[" + ",".join(items) + "]"
    raise ParamsError(f"{at} is of the type {type(value).__name__}, which JSON lacks: pass a string")


def _write_object(value: Mapping[Any, object], at: str, depth: int) -> str:
    for name in value:
        if not isinstance(name, str):
            raise ParamsError(f"{at} has a name that is not a str: pass a string")
        write_string(name, at)
    # RFC 8785 sorts by UTF-16 code units.
    names: list[str] = sorted(value, key=_code_units)
    members = (
        write_string(name, at) + ":" + write(value[name], _member(at, name), depth + 1)
        for name in names
    )
    return "{" + ",".join(members) + "}"


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be")


def write_string(value: str, at: str) -> str:
    text = str.__str__(value)
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ParamsError(f"{at} has a lone surrogate")
    # For these strings json writes exactly what ECMAScript's JSON.stringify does.
    return json.dumps(text, ensure_ascii=False)


def _write_float(value: float, at: str) -> str:
    if not math.isfinite(value):
        raise ParamsError(f"{at} is not a finite number: pass a string")
    # Beyond these bounds every double is an integer.
    if abs(value) > MAX_INTEGER:
        raise ParamsError(f"{at} is an integer outside ±(2^53-1): pass a string")
    if value.is_integer():
        return str(int(value))
    # repr has the shortest digits that give the double, as ECMAScript does; the layout differs.
    sign, digits, exponent = Decimal(float.__repr__(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text, point = "".join(map(str, digits)), len(digits) + exponent
    minus = "-" if sign else ""
    if point > 0:
        return f"{minus}{text[:point]}.{text[point:]}"
    if point > -6:
        return f"{minus}0.{'0' * -point}{text}"
    mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
    return f"{minus}{mantissa}e{point - 1}"
