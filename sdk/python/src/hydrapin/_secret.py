"""A value that does not print."""

from __future__ import annotations

from typing import NoReturn

REDACTED = "[redacted]"


class Secret:
    """A key, token, PIN, webhook secret or receipt.

    It prints as `[redacted]` in every form; `reveal` returns the value. It cannot be pickled, and
    `json.dumps` refuses it: what stores it has to say so.
    """

    # Without a __dict__ there is nothing for vars() to show; behind a function there is nothing
    # for a debugger's list of slots to show either.
    __slots__ = ("_Secret__reveal",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("a secret is a str")
        object.__setattr__(self, "_Secret__reveal", lambda: value)

    def reveal(self) -> str:
        """The value itself."""
        value: str = self.__reveal()  # type: ignore[attr-defined]  # set in __init__
        return value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret does not change")

    def __repr__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest

        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


def revealed(value: str | Secret) -> str:
    """The text of a value that may be a secret."""
    return value.reveal() if isinstance(value, Secret) else value
