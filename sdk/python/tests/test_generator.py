"""The generated code, and the generator on a contract that has more than today's."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys
import textwrap
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
GENERATE = ROOT / "tools" / "python" / "generate.py"
GENERATED = ROOT / "sdk" / "python" / "src" / "hydrapin" / "_generated"


def generate(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, GENERATE, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


def test_the_generated_code_is_that_of_the_contract(tmp_path: pathlib.Path) -> None:
    done = generate("--check", ROOT / "openapi.yaml", GENERATED)
    assert done.returncode == 0, done.stderr
    stale = tmp_path / "generated"
    assert generate(ROOT / "openapi.yaml", stale).returncode == 0
    (stale / "models.py").write_text("# edited\n")
    (stale / "left_over.py").write_text("")
    done = generate("--check", ROOT / "openapi.yaml", stale)
    assert done.returncode == 1 and "models.py" in done.stderr and "left_over.py" in done.stderr


CONTRACT = """
openapi: 3.0.3
info: {title: t, version: 9.9.9}
paths:
  /v1/things:
    get:
      operationId: listThings
      summary: List things
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: status, in: query, schema: {type: string, enum: [on, off]}}
        - {name: from, in: query, schema: {type: string, format: date-time}}
        - {name: If-None-Match, in: header, schema: {type: string}}
      responses:
        '304': {description: unchanged}
        '200':
          description: ok
          content:
            application/json:
              schema:
                type: object
                required: [things, page, total_pages]
                properties:
                  things: {type: array, items: {$ref: '#/components/schemas/Thing'}}
                  page: {type: integer}
                  total_pages: {type: integer}
  /v1/freeze:
    put:
      operationId: freeze
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/Freeze'}}}
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object, properties: {by: {type: string, nullable: true}}}}}}}
  /internal/v1/instances/{instance_id}/confirmations:
    get:
      operationId: listConfirmations
      parameters:
        - {name: instance_id, in: path, required: true, schema: {type: string, format: uuid}}
        - {name: after, in: query, schema: {type: string}}
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema:
                allOf:
                  - type: object
                    required: [confirmations]
                    properties: {confirmations: {type: array, items: {$ref: '#/components/schemas/Thing'}}}
                  - type: object
                    required: [next]
                    properties: {next: {type: string, nullable: true}}
  /internal/v1/instances/{instance_id}/things/{name}/qr:
    get:
      operationId: getThingQr
      parameters:
        - {name: instance_id, in: path, required: true, schema: {type: string, format: uuid}}
        - {name: name, in: path, required: true, schema: {type: string}}
      responses: {'200': {description: ok, content: {image/svg+xml: {schema: {type: string}}}}}
components:
  schemas:
    Freeze:
      type: object
      properties: {reason: {type: string, nullable: true}}
    Thing:
      type: object
      required: [id, class, details, secret]
      properties:
        id: {type: string, format: uuid}
        class: {type: string, enum: [a, null], nullable: true}
        details: {type: object, additionalProperties: true}
        secret: {type: string, x-redact: true}
        weights: {type: array, nullable: true, items: {type: number}}
        parent: {oneOf: [{type: string}, {type: integer}]}
    ProblemType:
      type: string
      enum: ['urn:hydrapin:problem:frozen', 'urn:hydrapin:problem:pin-not-own']
"""


def load(package: str, folder: pathlib.Path) -> Any:
    """Imports generated code as a part of the package, under another name."""
    import hydrapin

    spec = importlib.util.spec_from_file_location(
        f"hydrapin.{package}", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None and hydrapin is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"hydrapin.{package}"] = module
    spec.loader.exec_module(module)
    names = ("models", "problems", "operations", "sync_clients", "async_clients")
    return {n: importlib.import_module(f"hydrapin.{package}.{n}") for n in names}


def test_a_contract_with_lists_pages_and_pictures(tmp_path: pathlib.Path) -> None:
    contract = tmp_path / "openapi.yaml"
    contract.write_text(textwrap.dedent(CONTRACT))
    folder = tmp_path / "generated"
    done = generate(contract, folder)
    assert done.returncode == 0, done.stderr
    modules = load("_generated_test", folder)
    models, ops = modules["models"], modules["operations"]
    thing: dict[str, Any] = {
        "id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "class": None, "details": {"x": [1]},
        "secret": "s", "weights": [1, 2.5], "parent": 5, "unknown": True,
    }  # fmt: skip
    read = models.Thing.from_wire(thing)
    assert (read.class_, read.weights, read.parent) == (None, (1.0, 2.5), 5)
    assert repr(read.secret) == "[redacted]" and read.secret.reveal() == "s"
    assert models.Thing.from_wire(thing | {"weights": None, "parent": None}).parent is None
    for broken in (thing | {"class": 5}, thing | {"weights": ["x"]}, {"id": thing["id"]}, []):
        with pytest.raises(ValueError):
            models.Thing.from_wire(broken)

    class Admin(modules["sync_clients"].AdminOperations):  # type: ignore[misc]
        def _call(self, operation: Any, request: Any) -> Any:
            assert operation is ops.LIST_THINGS and request.header == {}
            page = request.query["page"] or 1
            return operation.decode({"things": [thing] * page, "page": page, "total_pages": 3})

    assert len(list(Admin().iter_things(status="on"))) == 1 + 2 + 3

    class Runtime(modules["sync_clients"].RuntimeOperations):  # type: ignore[misc]
        def _call(self, operation: Any, request: Any) -> Any:
            assert "instance_id" not in request.path
            following = {None: "b", "b": None}[request.query["after"]]
            return operation.decode({"confirmations": [thing], "next": following})

    assert len(list(Runtime().iter_confirmations())) == 2
    assert ops.GET_THING_QR.segments == ("name",) and ops.GET_THING_QR.decode(b"<svg/>") == b"<svg/>"
    assert issubclass(modules["problems"].FrozenError, Exception)
    assert set(modules["problems"].BY_CODE) == {"frozen", "pin-not-own"}


def test_a_contract_that_cannot_be_generated_is_an_error(tmp_path: pathlib.Path) -> None:
    contract = tmp_path / "openapi.yaml"
    contract.write_text(CONTRACT.replace("name: page, in: query", "name: page, in: cookie"))
    done = generate(contract, tmp_path / "generated")
    assert done.returncode == 1 and "listThings" in done.stderr
