"""What the person is shown, built from the params by a template and never by a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ._canonical import canonical_params, write

MAX_CHARACTERS = 500

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# Default_Ignorable_Code_Point of Unicode, as ranges: the standard library lacks the property.
_IGNORABLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
# Invisible, and put in by formatters of numbers and dates: LRM, RLM, ALM, ZWSP, soft hyphen, BOM.
_REMOVED = "\u200e\u200f\u061c\u200b\u00ad\ufeff"
_JOINERS = ("\u200c", "\u200d")
# Nothing at all, and two characters with an empty glyph.
_EMPTY = ("", "\u2800", "\U0001d159")
# Control, surrogate, private use, unassigned, line separator, paragraph separator.
_UNSAFE = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}


class SummaryError(ValueError):
    """A summary that cannot be shown: a value is missing, or nothing or too much would be shown."""


def summary(template: str, params: Mapping[str, Any]) -> str:
    """Fills a template such as `Send {amount} {currency} to {recipient.iban}` from the params.

    Dots lead into nested objects; `{{` and `}}` are braces. A missing or null value is a
    SummaryError. Control, bidi and other invisible characters of a value are shown as `[U+202E]`,
    so that no value can rewrite the question; the few that formatters of numbers put in are removed.
    Objects and arrays are shown as their canonical JSON.
    """
    canonical_params(params)

    def fill(match: re.Match[str]) -> str:
        if match.group() in {"{{", "}}"}:
            return match.group()[0]
        if match.group(1) is None:
            raise SummaryError("the template has a brace without its other one")
        return _shown(_value(params, match.group(1)))

    text = _FIELD.sub(fill, template)
    if len(text) > MAX_CHARACTERS:
        raise SummaryError("the summary is longer than 500 characters")
    if not any(_visible(c) and unicodedata.category(c)[0] != "M" for c in text):
        raise SummaryError("the summary shows nothing")
    return text


def _value(params: Mapping[str, Any], path: str) -> object:
    value: object = params
    for name in path.split("."):
        if not isinstance(value, Mapping) or value.get(name) is None:
            raise SummaryError(f"the params have no value for {{{path}}}")
        value = value[name]
    return value


def _shown(value: object) -> str:
    text = str.__str__(value) if isinstance(value, str) else write(value, "params", 1)
    shown = before = ""
    for c in text:
        if c in _REMOVED:
            continue
        # Parts of an emoji or of a word where they follow something visible, and else nothing.
        kept = (_selector(c) and _visible(before)) or (
            c in _JOINERS and (_visible(before) or _selector(before))
        )
        if kept or not _unsafe(c):
            shown, before = shown + c, c
        else:
            shown, before = shown + _code_point(c), ""
    return shown


def _code_point(c: str) -> str:
    return f"[U+{ord(c):04X}]"


def _selector(c: str) -> bool:
    """A variation selector."""
    return "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef"


def _unsafe(c: str) -> bool:
    return unicodedata.category(c) in _UNSAFE or _ignorable(c) or "\ufff9" <= c <= "\ufffb"


def _ignorable(c: str) -> bool:
    return any(low <= ord(c) <= high for low, high in _IGNORABLE)


def _visible(c: str) -> bool:
    return c not in _EMPTY and not c.isspace() and not _unsafe(c)


