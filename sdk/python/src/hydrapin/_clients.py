"""The clients: Admin and Runtime, and their asynchronous twins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, Literal, TypeVar
from uuid import UUID

import httpx

from . import _checks as checks
from ._connection import (
    AsyncTokenSource, OnResponse, TokenSource, connect, required_setting, setting,
)  # fmt: skip
from ._drive import AsyncDriver, SyncDriver
from ._errors import ConfigurationError, UnexpectedAnswerError
from ._generated import models
from ._generated.async_clients import AsyncAdminOperations, AsyncRuntimeOperations
from ._generated.sync_clients import AdminOperations, RuntimeOperations
from ._guard import Flag, Grant, Options, Ran, guard, refuse_coroutine
from ._operation import InvalidArgument, Operation, Request, Steps, identifier, perform
from ._secret import Secret

T = TypeVar("T")

TIMEOUT = 15.0
RETRIES = 4

_ARGUMENTS = """

    - `api_key`, or `token`: the credential; `token` may be a function that is called for each attempt.
    - `timeout`: seconds for one attempt. The time of a long poll comes on top.
    - `retries`: how often a call is repeated where that does no harm.
    - `client`: an httpx client to send with. Its authentication and redirects are not used.
    - `user_agent`: what comes before this package's own name in User-Agent.
    - `on_response`: called after each attempt with a ResponseInfo.
    - `allow_insecure_transport`: accept http to another machine. PINs and keys are then readable
      on the network.
    """


def _credential_from_environment() -> dict[str, Any]:
    key, token = setting("HYDRAPIN_API_KEY"), setting("HYDRAPIN_TOKEN")
    if (key is None) == (token is None):
        raise ConfigurationError("set exactly one of HYDRAPIN_API_KEY and HYDRAPIN_TOKEN")
    return {"api_key": key} if key is not None else {"token": token or ""}


def _instance(value: UUID | str) -> UUID:
    try:
        return UUID(identifier(value, "instance_id"))
    except InvalidArgument as error:
        raise ConfigurationError(str(error)) from None


class _Sync:
    """What the synchronous clients share."""

    def __init__(
        self, base_url: str, *, api_key: str | Secret | None = None,
        token: str | Secret | TokenSource | None = None, timeout: float = TIMEOUT,
        retries: int = RETRIES, client: httpx.Client | None = None, user_agent: str | None = None,
        on_response: OnResponse | None = None, allow_insecure_transport: bool = False,
    ) -> None:
        self._connection = connect(
            base_url, api_key=api_key, token=token, timeout=timeout, retries=retries,
            user_agent=user_agent, on_response=on_response,
            allow_insecure_transport=allow_insecure_transport,
        )  # fmt: skip
        self._driver = SyncDriver(self._connection, client)

    def close(self) -> None:
        """Closes the connections, unless they belong to a `client` that was passed in."""
        self._driver.close()

    def __enter__(self: T) -> T:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._connection.base_url}>"

    def _perform(self, operation: Operation[T], request: Request) -> T:
        checks.request(operation, request)
        value = self._driver.drive(perform(operation, request, self._connection.limits))
        checks.answer(operation, request, value)
        return value


class _Async:
    """What the asynchronous clients share. They need asyncio."""

    def __init__(
        self, base_url: str, *, api_key: str | Secret | None = None,
        token: str | Secret | AsyncTokenSource | None = None, timeout: float = TIMEOUT,
        retries: int = RETRIES, client: httpx.AsyncClient | None = None,
        user_agent: str | None = None, on_response: OnResponse | None = None,
        allow_insecure_transport: bool = False,
    ) -> None:
        self._connection = connect(
            base_url, api_key=api_key, token=token, timeout=timeout, retries=retries,
            user_agent=user_agent, on_response=on_response,
            allow_insecure_transport=allow_insecure_transport,
        )  # fmt: skip
        self._driver = AsyncDriver(self._connection, client)

    async def aclose(self) -> None:
        """Closes the connections, unless they belong to a `client` that was passed in."""
        await self._driver.aclose()

    async def __aenter__(self: T) -> T:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._connection.base_url}>"

    async def _perform(self, operation: Operation[T], request: Request) -> T:
        checks.request(operation, request)
        value = await self._driver.drive(perform(operation, request, self._connection.limits))
        checks.answer(operation, request, value)
        return value


class Admin(_Sync, AdminOperations):
    __doc__ = (
        "What a tenant's dashboard or back end calls: PINs, policies and what belongs to them."
        + _ARGUMENTS
    )

    @classmethod
    def from_env(cls, **options: Any) -> Admin:
        """A client from HYDRAPIN_URL and HYDRAPIN_API_KEY or HYDRAPIN_TOKEN (each also as _FILE)."""
        return cls(required_setting("HYDRAPIN_URL"), **_credential_from_environment(), **options)

    def _call(self, operation: Operation[T], request: Request) -> T:
        return self._perform(operation, request)


class AsyncAdmin(_Async, AsyncAdminOperations):
    __doc__ = (
        "The asynchronous twin of Admin, for asyncio; a token source may be asynchronous."
        + _ARGUMENTS
    )

    @classmethod
    def from_env(cls, **options: Any) -> AsyncAdmin:
        """A client from HYDRAPIN_URL and HYDRAPIN_API_KEY or HYDRAPIN_TOKEN (each also as _FILE)."""
        return cls(required_setting("HYDRAPIN_URL"), **_credential_from_environment(), **options)

    async def _call(self, operation: Operation[T], request: Request) -> T:
        return await self._perform(operation, request)


def _with_instance(request: Request, instance: UUID) -> Request:
    return Request(
        path={"instance_id": instance, **request.path}, query=request.query, header=request.header,
        body=request.body, timeout=request.timeout,
    )  # fmt: skip


def _result(ran: Ran[T]) -> T:
    if ran.error is not None:
        raise ran.error
    return ran.value  # type: ignore[return-value]  # without an error it is the function's value


def _next_page(page: models.ConfirmationList, after: str | None) -> str | None:
    if page.next == after:
        raise UnexpectedAnswerError(
            "the list leads back to the same page", operation="listConfirmations"
        )
    return page.next


class Runtime(_Sync, RuntimeOperations):
    __doc__ = (
        """What an agent's runtime calls for its own instance, with that instance's runtime key.

    None of its methods may be offered to a model as a tool.
"""
        + _ARGUMENTS.lstrip("\n")
    )

    def __init__(
        self, base_url: str, instance_id: UUID | str, *, api_key: str | Secret | None = None,
        timeout: float = TIMEOUT, retries: int = RETRIES, client: httpx.Client | None = None,
        user_agent: str | None = None, on_response: OnResponse | None = None,
        allow_insecure_transport: bool = False,
    ) -> None:
        super().__init__(
            base_url, api_key=api_key, timeout=timeout, retries=retries, client=client,
            user_agent=user_agent, on_response=on_response,
            allow_insecure_transport=allow_insecure_transport,
        )  # fmt: skip
        self._instance = _instance(instance_id)

    @property
    def instance_id(self) -> UUID:
        """The agent instance."""
        return self._instance

    @classmethod
    def from_env(cls, **options: Any) -> Runtime:
        """A client from HYDRAPIN_URL, HYDRAPIN_INSTANCE and HYDRAPIN_RUNTIME_KEY (each also _FILE)."""
        return cls(
            required_setting("HYDRAPIN_URL"), required_setting("HYDRAPIN_INSTANCE"),
            api_key=required_setting("HYDRAPIN_RUNTIME_KEY"), **options,
        )  # fmt: skip

    def _call(self, operation: Operation[T], request: Request) -> T:
        return self._perform(operation, _with_instance(request, self._instance))

    def confirmations(
        self, *, status: Literal["pending", "approved"] | None = None,
        customer_id: UUID | str | None = None, identity_id: UUID | str | None = None,
        limit: int | None = None, timeout: float | None = None,
    ) -> Iterator[models.Confirmation]:  # fmt: skip
        """All open confirmations, the newest first, read page by page with `list_confirmations`."""
        after: str | None = None
        while True:
            page = self.list_confirmations(
                status=status, customer_id=customer_id, identity_id=identity_id, limit=limit,
                after=after, timeout=timeout,
            )  # fmt: skip
            yield from page.confirmations
            if page.next is None:
                return
            after = _next_page(page, after)

    def guard(
        self, question: models.AskConfirmation, function: Callable[[Grant], T], *,
        on_pending: Callable[[models.Confirmation], object] | None = None,
        wait: float | None = None, allow_not_required: bool = False, cancel: Flag | None = None,
    ) -> T:  # fmt: skip
        """Runs the function if the person confirms, and returns what it returns.

        It asks, calls `on_pending`, waits, redeems, runs the function once with a Grant, and reports
        the outcome. Everything else is a NotConfirmedError, and the function does not run. What the
        function raises is passed on unchanged.

        - `on_pending`: called before the wait, where the person has to confirm: shows them
          `confirm_url`, or takes the PIN and sends it with `verify_confirmation`. What it raises
          ends guard.
        - `wait`: how many seconds to wait, by default until the question expires. When they are
          over, the reason is `still_pending` and the question stays open: call guard again with the
          same `idempotency_key` to continue.
        - `allow_not_required`: also run where the policy requires no PIN. A misspelt skill then runs
          without one.
        - `cancel`: a threading.Event that ends the wait when it is set.

        Without an `idempotency_key` in the question, guard declines what it leaves open for any
        reason but `still_pending`: nobody else could continue with it.
        """
        refuse_coroutine(function)
        options = Options(
            wait=wait, on_pending=on_pending, allow_not_required=allow_not_required, cancel=cancel,
            instance=self._instance, limits=self._connection.limits,
        )  # fmt: skip
        steps: Steps[Ran[T]] = guard(question, function, options)
        return _result(self._driver.drive(steps))


class AsyncRuntime(_Async, AsyncRuntimeOperations):
    __doc__ = (
        """The asynchronous twin of Runtime, for asyncio.

    None of its methods may be offered to a model as a tool.
"""
        + _ARGUMENTS.lstrip("\n")
    )

    def __init__(
        self, base_url: str, instance_id: UUID | str, *, api_key: str | Secret | None = None,
        timeout: float = TIMEOUT, retries: int = RETRIES, client: httpx.AsyncClient | None = None,
        user_agent: str | None = None, on_response: OnResponse | None = None,
        allow_insecure_transport: bool = False,
    ) -> None:
        super().__init__(
            base_url, api_key=api_key, timeout=timeout, retries=retries, client=client,
            user_agent=user_agent, on_response=on_response,
            allow_insecure_transport=allow_insecure_transport,
        )  # fmt: skip
        self._instance = _instance(instance_id)

    @property
    def instance_id(self) -> UUID:
        """The agent instance."""
        return self._instance

    @classmethod
    def from_env(cls, **options: Any) -> AsyncRuntime:
        """A client from HYDRAPIN_URL, HYDRAPIN_INSTANCE and HYDRAPIN_RUNTIME_KEY (each also _FILE)."""
        return cls(
            required_setting("HYDRAPIN_URL"), required_setting("HYDRAPIN_INSTANCE"),
            api_key=required_setting("HYDRAPIN_RUNTIME_KEY"), **options,
        )  # fmt: skip

    async def _call(self, operation: Operation[T], request: Request) -> T:
        return await self._perform(operation, _with_instance(request, self._instance))

    async def confirmations(
        self, *, status: Literal["pending", "approved"] | None = None,
        customer_id: UUID | str | None = None, identity_id: UUID | str | None = None,
        limit: int | None = None, timeout: float | None = None,
    ) -> AsyncIterator[models.Confirmation]:  # fmt: skip
        """As Runtime.confirmations, for `async for`."""
        after: str | None = None
        while True:
            page = await self.list_confirmations(
                status=status, customer_id=customer_id, identity_id=identity_id, limit=limit,
                after=after, timeout=timeout,
            )  # fmt: skip
            for confirmation in page.confirmations:
                yield confirmation
            if page.next is None:
                return
            after = _next_page(page, after)

    async def guard(
        self, question: models.AskConfirmation, function: Callable[[Grant], Awaitable[T]], *,
        on_pending: Callable[[models.Confirmation], object] | None = None,
        wait: float | None = None, allow_not_required: bool = False,
    ) -> T:  # fmt: skip
        """Runs the function if the person confirms, and returns what it returns.

        As Runtime.guard, with two differences: `on_pending` runs beside the wait and is cancelled
        when the wait ends; and guard ends when its task is cancelled, with the CancelledError
        itself, as asyncio requires.
        """
        options = Options(
            wait=wait, on_pending=on_pending, allow_not_required=allow_not_required, cancel=None,
            instance=self._instance, limits=self._connection.limits,
        )  # fmt: skip
        steps: Steps[Ran[T]] = guard(question, function, options)
        return _result(await self._driver.drive(steps))
