"""Where the server is and who calls it: what every client is made from."""

from __future__ import annotations

import ipaddress
import os
import pathlib
import platform
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from ._errors import ConfigurationError, CredentialError
from ._operation import Limits, ResponseInfo
from ._secret import Secret, revealed
from ._version import VERSION

TokenSource = Callable[[], "str | Secret"]
AsyncTokenSource = Callable[[], "str | Secret | Awaitable[str | Secret]"]

_VISIBLE = re.compile(r"[!-~]+")
_AGENT = re.compile(r"[ -~]{1,200}")


def base_url_of(text: str, *, allow_insecure_transport: bool = False) -> str:
    """The address of a server, without a slash at its end.

    It must be https, or http on a loopback address, because a PIN and a key travel over it.
    """
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname
    except (ValueError, AttributeError, TypeError):
        url, port, host = None, None, None
    # What two parsers of URLs read differently is refused, such as a backslash or a tab.
    plain = isinstance(text, str) and re.fullmatch(r"[!-\[\]-~]+", text) is not None
    if not plain or url is None or not host or url.scheme not in {"http", "https"} or port == 0:
        raise ConfigurationError("the base URL must be https://host[:port][/prefix]")
    if "@" in url.netloc or "?" in text or "#" in text:
        # The address is not repeated: it may hold a password.
        raise ConfigurationError("the base URL must have no user, query or fragment")
    if url.scheme == "http" and not (is_loopback(host) or allow_insecure_transport):
        raise ConfigurationError(
            "the base URL must be https: PINs and keys would travel in the clear. "
            "Use http only for a server on this machine, or pass allow_insecure_transport=True"
        )
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def direct_hosts(base_url: str) -> dict[str, None]:
    """For httpx: hosts that are reached without the proxies of the environment."""
    host = urlsplit(base_url).hostname or ""
    if not is_loopback(host):
        return {}
    return {f"all://[{host}]" if ":" in host else f"all://{host}": None}


def visible(value: object, what: str) -> str:
    """What can stand in a header. httpx's own error would quote the value."""
    text = revealed(value) if isinstance(value, (str, Secret)) else ""
    if not _VISIBLE.fullmatch(text):
        raise CredentialError(f"the {what} is empty or has characters other than visible ASCII")
    return text


class Credential:
    """An API key, a token, or a source of tokens."""

    __slots__ = ("_key", "_source")

    def __init__(
        self, api_key: str | Secret | None, token: str | Secret | AsyncTokenSource | None
    ) -> None:
        if (api_key is None) == (token is None):
            raise ConfigurationError("give exactly one of api_key and token")
        self._key: Secret | None = None
        self._source: AsyncTokenSource | None = None
        try:
            if api_key is not None:
                self._key = Secret(visible(api_key, "API key"))
            elif isinstance(token, (str, Secret)):
                fixed = Secret(visible(token, "token"))
                self._source = lambda: fixed
            else:
                self._source = token
        except CredentialError as error:
            raise ConfigurationError(str(error)) from None

    @property
    def key(self) -> Secret | None:
        return self._key

    def ask_source(self) -> str | Secret | Awaitable[str | Secret]:
        assert self._source is not None
        return self._source()

    def __repr__(self) -> str:
        return "[redacted]"


OnResponse = Callable[[ResponseInfo], None]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Connection:
    """What every call of a client shares."""

    base_url: str
    credential: Credential
    limits: Limits
    user_agent: str
    on_response: OnResponse | None


def connect(
    base_url: str, *, api_key: str | Secret | None, token: str | Secret | AsyncTokenSource | None,
    timeout: float, retries: int, user_agent: str | None, on_response: OnResponse | None,
    allow_insecure_transport: bool,
) -> Connection:
    if not timeout > 0 or retries < 0:
        raise ConfigurationError("timeout must be more than 0 seconds, and retries not negative")
    agent = f"hydrapin-python/{VERSION} httpx/{httpx.__version__} Python/{platform.python_version()}"
    if user_agent is not None:
        if not _AGENT.fullmatch(user_agent):
            raise ConfigurationError("user_agent must be printable ASCII")
        agent = f"{user_agent} {agent}"
    return Connection(
        base_url=base_url_of(base_url, allow_insecure_transport=allow_insecure_transport),
        credential=Credential(api_key, token),
        limits=Limits(timeout=timeout, retries=retries),
        user_agent=agent,
        on_response=on_response,
    )


def setting(name: str) -> str | None:
    """An environment variable, or the contents of the file that NAME_FILE names."""
    value, file = os.environ.get(name), os.environ.get(name + "_FILE")
    if value and file:
        raise ConfigurationError(f"set {name} or {name}_FILE, not both")
    if not file:
        return value or None
    try:
        return pathlib.Path(file).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}_FILE cannot be read: {type(error).__name__}") from None


def required_setting(name: str) -> str:
    value = setting(name)
    if value is None:
        raise ConfigurationError(f"{name} is not set")
    return value
