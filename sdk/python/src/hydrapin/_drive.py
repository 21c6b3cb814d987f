"""Carries out the steps of calls and of guard, with and without `await`."""

from __future__ import annotations

import asyncio
import contextlib
import http.cookiejar
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from . import _guard as guard
from ._connection import Connection, direct_hosts, visible
from ._errors import CredentialError
from ._operation import MAX_ANSWER, Authorise, Lost, Reply, Report, Send, Sleep, Steps
from ._secret import Secret, revealed

T = TypeVar("T")

log = logging.getLogger("hydrapin")


def _no_auth(request: httpx.Request) -> httpx.Request:
    """Neither the client's authentication nor a netrc file is used."""
    return request


def _settings(connection: Connection) -> dict[str, Any]:
    """What this package's own httpx client is made with."""
    no_cookies = http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
    return {
        "mounts": direct_hosts(connection.base_url),
        "cookies": http.cookiejar.CookieJar(no_cookies),
        # Each question that waits has a connection of its own.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
    }


def _header(connection: Connection, token: object) -> tuple[str, Secret]:
    key = connection.credential.key
    if key is not None:
        return "X-Api-Key", key
    return "Authorization", Secret(f"Bearer {visible(token, 'token')}")


def _options(connection: Connection, send: Send, timeout: float | None) -> dict[str, Any]:
    headers = {
        "User-Agent": connection.user_agent,
        "Accept": "application/json, application/problem+json, */*",
        # A compressed answer could be far larger than it looks.
        "Accept-Encoding": "identity",
        **{name: revealed(value) for name, value in send.headers},
    }
    if send.content is not None:
        headers["Content-Type"] = "application/json"
    return {
        "method": send.method,
        "url": connection.base_url + send.path,
        "headers": headers,
        "content": None if send.content is None else send.content.reveal().encode("utf-8"),
        "timeout": timeout,
    }


def _reply(response: httpx.Response, body: bytes | None) -> Reply:
    return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


def _lost(error: Exception) -> Lost:
    """Why no answer came. The error itself is not kept: it holds the request with its key."""
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return Lost("no whole answer came in time", timed_out=True)
    text = f": {error}" if isinstance(error, httpx.ConnectError) else ""
    return Lost(f"no whole answer came ({type(error).__name__}{text})", timed_out=False)


def _report(connection: Connection, step: Report) -> None:
    if connection.on_response is None:
        return
    try:
        connection.on_response(step.info)
    except Exception:
        log.exception("hydrapin: on_response raised an exception, which is ignored")


class SyncDriver:
    """Carries out steps in the caller's thread."""

    def __init__(self, connection: Connection, client: httpx.Client | None) -> None:
        self._connection = connection
        self._own = client is None
        self._client = client or httpx.Client(**_settings(connection))

    def close(self) -> None:
        if self._own:
            self._client.close()

    def drive(self, steps: Steps[T]) -> T:
        value: object = None
        error: BaseException | None = None
        while True:
            try:
                step = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            value = error = None
            try:
                value = self._carry_out(step)
            except BaseException as raised:
                error = raised

    def _carry_out(self, step: object) -> object:
        match step:
            case Authorise():
                return self._authorise()
            case Send():
                return self._send(step)
            case Report():
                _report(self._connection, step)
                return None
            case Sleep():
                time.sleep(step.seconds)
                return None
            case guard.Show():
                return step.on_pending(step.confirmation)
            case guard.Shown():
                return None
            case guard.Run():
                try:
                    return guard.Ran(value=step.function(step.grant))
                except BaseException as error:
                    return guard.Ran(error=error)
        raise AssertionError(step)

    def _authorise(self) -> tuple[str, Secret]:
        if self._connection.credential.key is not None:
            return _header(self._connection, None)
        try:
            token = self._connection.credential.ask_source()
        except Exception as error:
            raise CredentialError("the token source failed") from error
        return _header(self._connection, token)

    def _send(self, send: Send) -> Reply | Lost:
        deadline = time.monotonic() + send.timeout
        try:
            request = self._client.build_request(
                **_options(self._connection, send, send.timeout)
            )
            response = self._client.send(
                request, stream=True, auth=_no_auth, follow_redirects=False
            )
            with contextlib.closing(response):
                return _reply(response, self._read(response, deadline))
        except TimeoutError as error:
            return _lost(error)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return _lost(error)

    def _read(self, response: httpx.Response, deadline: float) -> bytes | None:
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    return None
                if time.monotonic() > deadline:
                    raise TimeoutError
        except httpx.DecodingError:
            return None
        return bytes(body)


class AsyncDriver:
    """Carries out steps in an asyncio task."""

    def __init__(self, connection: Connection, client: httpx.AsyncClient | None) -> None:
        self._connection = connection
        self._own = client is None
        self._client = client or httpx.AsyncClient(**_settings(connection))

    async def aclose(self) -> None:
        if self._own:
            await self._client.aclose()

    async def drive(self, steps: Steps[T]) -> T:
        value: object = None
        error: BaseException | None = None
        beside = _Beside()
        try:
            while True:
                try:
                    step = steps.send(value) if error is None else steps.throw(error)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                value = error = None
                try:
                    match step:
                        case guard.Show():
                            beside.start(step.on_pending, step.confirmation)
                        case guard.Shown():
                            await beside.end()
                        case _:
                            value = await beside.alongside(self._carry_out(step))
                except BaseException as raised:
                    error = raised
        finally:
            await beside.end()

    async def _carry_out(self, step: object) -> object:
        match step:
            case Authorise():
                return await self._authorise()
            case Send():
                return await self._send(step)
            case Report():
                _report(self._connection, step)
                return None
            case Sleep():
                await asyncio.sleep(step.seconds)
                return None
            case guard.Run():
                try:
                    result = step.function(step.grant)
                    return guard.Ran(value=await result if inspect.isawaitable(result) else result)
                except BaseException as error:
                    return guard.Ran(error=error)
        raise AssertionError(step)

    async def _authorise(self) -> tuple[str, Secret]:
        if self._connection.credential.key is not None:
            return _header(self._connection, None)
        try:
            token = self._connection.credential.ask_source()
            if inspect.isawaitable(token):
                token = await token
        except Exception as error:
            raise CredentialError("the token source failed") from error
        return _header(self._connection, token)

    async def _send(self, send: Send) -> Reply | Lost:
        # In a task of its own, and without asyncio.timeout: anyio 3, on which httpx may stand,
        # cancels the task that it connects in and does not take that back, after which neither
        # asyncio.timeout in here nor one around guard knows its own cancellation.
        task = asyncio.create_task(self._exchange(send))
        try:
            done, _ = await asyncio.wait({task}, timeout=send.timeout)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if not done or task.cancelled():
            return _lost(TimeoutError())
        return task.result()

    async def _exchange(self, send: Send) -> Reply | Lost:
        try:
            request = self._client.build_request(**_options(self._connection, send, None))
            response = await self._client.send(
                request, stream=True, auth=_no_auth, follow_redirects=False
            )
            async with contextlib.aclosing(response):
                return _reply(response, await self._read(response))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return _lost(error)

    async def _read(self, response: httpx.Response) -> bytes | None:
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    return None
        except httpx.DecodingError:
            return None
        return bytes(body)


class _Beside:
    """The on_pending that runs beside the wait."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def start(self, on_pending: Callable[..., Any], *arguments: object) -> None:
        async def show() -> None:
            result = on_pending(*arguments)
            if inspect.isawaitable(result):
                await result

        self._task = asyncio.create_task(show())

    async def end(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        # What it raises now comes too late to matter.
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()

    async def alongside(self, step: Awaitable[T]) -> T:
        """The step's result; or the exception of on_pending, which ends the step."""
        if self._task is None:
            return await step
        main = asyncio.ensure_future(step)
        try:
            await asyncio.wait({main, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not main.done():
                task, self._task = self._task, None
                if task.cancelled():
                    # Nobody cancelled guard.
                    raise RuntimeError("on_pending was cancelled")
                task.result()
            return await main
        finally:
            if not main.done():
                main.cancel()
                await asyncio.wait({main})
