"""A server on a local socket that answers as a test says: also half, never, or wrongly."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is sent back. `cut` bytes of the body are held back while its length promises them."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int = 0
    close: bool = False

    def encoded(self) -> bytes:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        headers |= self.headers
        if self.close or self.cut:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {self.status} X", *(f"{n}: {v}" for n, v in headers.items() if v != "-")]
        head = "\r\n".join(lines) + "\r\n\r\n"
        body = self.body[: len(self.body) - self.cut]
        return head.encode("latin-1") + (b"" if self.status == 204 else body)


class Drop(Exception):
    """Raised by a handler: the connection is closed without an answer."""


Handler = Callable[[Asked], Answer]


@contextlib.contextmanager
def serve(handler: Handler) -> Iterator[str]:
    """Serves on a free port, a thread for each connection, and yields the base URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    open_sockets: set[socket.socket] = set()
    lock = threading.Lock()

    def connection(client: socket.socket) -> None:
        with lock:
            open_sockets.add(client)
        try:
            with client, client.makefile("rb") as reader:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while (asked := read_request(reader)) is not None:
                    answer = handler(asked)
                    client.sendall(answer.encoded())
                    if answer.close or answer.cut:
                        break
        except (Drop, OSError, ValueError):
            pass
        finally:
            with lock:
                open_sockets.discard(client)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=connection, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with lock:
            for client in open_sockets:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)


def read_request(reader: Any) -> Asked | None:
    line = reader.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while (raw := reader.readline().decode("latin-1").strip()) != "":
        name, _, value = raw.partition(":")
        assert name.lower() not in headers, f"the header {name} twice"
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    return Asked(line[0], line[1], headers, body)
