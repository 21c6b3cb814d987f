"""The real server that some tests talk to, and where the package is read from."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

HERE = pathlib.Path(__file__).resolve().parent
# Tests of an installed package say so, and then read that one.
if not os.environ.get("HYDRAPIN_TEST_INSTALLED"):
    sys.path.insert(0, str(HERE.parent / "src"))

BINARY = pathlib.Path(os.environ.get("HYDRAPIN_BIN") or HERE.parents[2] / "bin" / "hydrapin")
SKILL = "payments.transfer"
PIN = "804615"
WRONG = "175320"


@dataclass(frozen=True)
class Server:
    """A hydrapin server of its own."""

    url: str
    tenant: UUID
    api_key: str
    data: pathlib.Path

    def run(self, *arguments: str) -> str:
        """Runs a command of the program beside the server, and returns what it prints."""
        done = subprocess.run(
            [BINARY, *arguments], env=environment(self.data), capture_output=True, text=True,
            check=True, timeout=60,
        )  # fmt: skip
        return done.stdout.strip()

    def runtime_key(self, instance: UUID) -> str:
        return self.run("keys", "create", "--tenant", str(self.tenant), "--instance", str(instance))


def environment(data: pathlib.Path) -> dict[str, str]:
    # The server refuses a setting that it does not know, HYDRAPIN_BIN among them.
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("HYDRAPIN_")}
    own = {"DATA_DIR": str(data), "ADDR": "127.0.0.1:0", "RATE_PER_KEY": "0", "RATE_PER_ADDRESS": "0"}
    return inherited | {f"HYDRAPIN_{name}": value for name, value in own.items()}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is missing: make build makes it, and HYDRAPIN_BIN names another one")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hydrapin-sdk-python-"))
    log = folder / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [BINARY, "serve"], env=environment(folder / "data"), stdout=subprocess.PIPE,
            stderr=errors, text=True,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        greeting: dict[str, str] = {}
        # The greeting comes once requests are answered; without it the loop ends with the server.
        for line in process.stdout:
            if match := re.fullmatch(r"\s+(tenant|key|docs)\s+(\S+)\s*", line):
                greeting.setdefault(match.group(1), match.group(2))
            if len(greeting) == 3:
                break
        else:
            pytest.fail(f"the server ended without a greeting:\n{log.read_text()}")
        url = greeting["docs"].removesuffix("/docs")
        yield Server(url, UUID(greeting["tenant"]), greeting["key"], folder / "data")
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Place:
    """An instance whose policy requires a PIN for SKILL, its key, and a customer with a PIN."""

    server: Server
    instance: UUID
    key: str
    customer: UUID

    @property
    def question(self) -> dict[str, str]:
        return {"skill": SKILL, "role": "owner", "customer_id": str(self.customer)}


@pytest.fixture
def place(server: Server) -> Place:
    from hydrapin import Admin

    instance, customer = uuid4(), uuid4()
    with Admin(server.url, api_key=server.api_key) as admin:
        admin.set_customer_pin(customer, {"pin": PIN})
        admin.update_pin_policy(instance, {"pin_required_skills": [SKILL]})
    return Place(server, instance, server.runtime_key(instance), customer)
