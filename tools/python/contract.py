"""The contract as the Python SDK sees it: which types its schemas are, and its operations."""

from __future__ import annotations

import keyword
import pathlib
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Schema = dict[str, Any]
# What a client handles itself: it never sends a conditional GET, and so never gets a 304.
IGNORED_HEADERS = {"if-none-match"}
# DELETE of these may be repeated: nothing that is set afterwards is removed by the second one.
REPEATABLE_DELETES = ("/confirmations/{confirmation_id}", "/pin-sessions")
# With one of these members, a POST may be repeated: the server recognises the second one.
REPEAT_KEYS = ("idempotency_key", "call_key")


class Loader(yaml.CSafeLoader):
    """YAML 1.2's booleans: `on` and `no` are words."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]  # PyYAML has no types
    "tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf")
)


class Unsupported(Exception):
    """The contract uses something that this generator does not know."""


def snake(name: str) -> str:
    name = re.sub(r"[^0-9A-Za-z]+", "_", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().strip("_")
    return name + "_" if keyword.iskeyword(name) else name


def pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", name))


def literal(value: object) -> str:
    """A literal in the quotes that the rest of the code has."""
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text:
        return '"' + text[1:-1] + '"'
    return text


@dataclass
class Contract:
    doc: Schema
    requests: dict[str, Schema] = field(default_factory=dict)
    answers: dict[str, Schema] = field(default_factory=dict)
    with_etag: set[str] = field(default_factory=set)

    def resolve(self, node: Schema) -> Schema:
        while "$ref" in node:
            target: Any = self.doc
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    @staticmethod
    def name_of(node: Schema) -> str | None:
        ref = node.get("$ref", "")
        return ref.rsplit("/", 1)[1] if ref.startswith("#/components/schemas/") else None

    def flat(self, node: Schema) -> tuple[Schema, str | None, bool]:
        """A schema without references and allOf, its component name, and whether it may be null."""
        name, nullable = self.name_of(node), False
        schema = self.resolve(node)
        nullable = bool(schema.get("nullable"))
        if "allOf" in schema:
            parts = schema["allOf"]
            if len(parts) == 1 and "properties" not in schema:
                inner, inner_name, inner_null = self.flat(parts[0])
                return inner, name or inner_name, nullable or inner_null
            merged: Schema = {"type": "object", "properties": {}, "required": []}
            for part in [*parts, {k: v for k, v in schema.items() if k != "allOf"}]:
                flat = self.flat(part)[0] if "$ref" in part or "allOf" in part else part
                merged["properties"] |= flat.get("properties", {})
                merged["required"] += flat.get("required", [])
                if "description" in flat:
                    merged["description"] = flat["description"]
            schema = merged
        if None in schema.get("enum", []):
            nullable = True
        return schema, name, nullable


@dataclass
class Typed:
    """A type in an annotation, and in answers the decoder that makes it."""

    annotation: str
    decoder: str = ""


def is_object(schema: Schema) -> bool:
    return schema.get("type") == "object" or "properties" in schema


def request_type(c: Contract, node: Schema, hint: str) -> str:
    schema, name, nullable = c.flat(node)
    text = _request_type(c, schema, name, hint)
    return f"{text} | None" if nullable else text


def _request_type(c: Contract, schema: Schema, name: str | None, hint: str) -> str:
    kind = schema.get("type")
    if schema.get("x-redact") or schema.get("format") == "password":
        return "str | Secret"
    if "enum" in schema:
        return f"Literal[{', '.join(literal(v) for v in schema['enum'] if v is not None)}]"
    if schema.get("format") == "uuid":
        return "UUID | str"
    if schema.get("format") == "date-time":
        return "datetime | str"
    if kind in {"string", "integer", "number", "boolean"}:
        return {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}[kind]
    if kind == "array":
        item = request_type(c, schema["items"], hint + "Item")
        return f"Sequence[{item}]"
    if is_object(schema):
        if not schema.get("properties"):
            return "Mapping[str, Any]"
        type_name = name or hint
        if type_name not in c.requests:
            c.requests[type_name] = schema
            for member, value in schema["properties"].items():
                request_type(c, value, type_name + pascal(member))
        return type_name
    raise Unsupported(f"request schema {hint}: {schema}")


def answer_type(c: Contract, node: Schema, hint: str) -> Typed:
    schema, name, nullable = c.flat(node)
    typed = _answer_type(c, schema, name, hint)
    if nullable:
        return Typed(f"{typed.annotation} | None", f"wire.nullable({typed.decoder})")
    return typed


def _answer_type(c: Contract, schema: Schema, name: str | None, hint: str) -> Typed:
    kind = schema.get("type")
    if schema.get("x-redact") or schema.get("format") == "password":
        return Typed("Secret", "wire.secret")
    if schema.get("format") == "uuid":
        return Typed("UUID", "wire.uuid")
    if schema.get("format") == "date-time":
        return Typed("datetime", "wire.time")
    if kind == "string":
        # An enum too: a newer server may send values that this version does not know.
        return Typed("str", "wire.text")
    if kind in {"integer", "number", "boolean"}:
        return Typed(*{
            "integer": ("int", "wire.integer"), "number": ("float", "wire.number"),
            "boolean": ("bool", "wire.boolean"),
        }[kind])
    if kind == "array":
        item = answer_type(c, schema["items"], hint + "Item")
        return Typed(f"tuple[{item.annotation}, ...]", f"wire.array({item.decoder})")
    if is_object(schema):
        if not schema.get("properties"):
            return Typed("Mapping[str, Any]", "wire.mapping")
        type_name = name or hint
        if type_name not in c.answers:
            c.answers[type_name] = schema
            for member, value in schema["properties"].items():
                answer_type(c, value, type_name + pascal(member))
        return Typed(type_name, f"{type_name}.from_wire")
    # oneOf and anyOf: as it came.
    return Typed("object", "wire.anything")


@dataclass
class Parameter:
    wire: str
    place: str
    required: bool
    annotation: str
    description: str
    uuid: bool

    @property
    def python(self) -> str:
        return snake(self.wire)


@dataclass
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: str | None
    body_required: bool
    statuses: list[int]
    answer: Typed
    etag: bool
    paging: tuple[str, str, str] | None = None  # how, member with the items, the items' type

    @property
    def python(self) -> str:
        return snake(self.id)

    @property
    def constant(self) -> str:
        return self.python.upper()

    @property
    def internal(self) -> bool:
        return self.path.startswith("/internal/")

    @property
    def repeatable(self) -> bool:
        if self.method == "DELETE":
            return self.path.endswith(REPEATABLE_DELETES)
        return self.method == "GET" or self.path.endswith("/outcome")


def read_operation(c: Contract, path: str, method: str, node: Schema, shared: list[Schema]) -> Operation:
    parameters = []
    for raw in [*shared, *node.get("parameters", [])]:
        p = c.resolve(raw)
        if p["in"] == "header" and p["name"].lower() in IGNORED_HEADERS:
            continue
        if p["in"] not in {"path", "query", "header"}:
            raise Unsupported(f"{node['operationId']}: parameter in {p['in']}")
        parameters.append(Parameter(
            p["name"], p["in"], bool(p.get("required")),
            request_type(c, p["schema"], pascal(node["operationId"]) + pascal(p["name"])),
            p.get("description", ""), c.flat(p["schema"])[0].get("format") == "uuid",
        ))
    body, body_required = None, False
    if "requestBody" in node:
        request = c.resolve(node["requestBody"])
        schema = request["content"]["application/json"]["schema"]
        body = request_type(c, schema, pascal(node["operationId"]) + "Request")
        body_required = bool(request.get("required"))
    statuses, answer, etag = [], Typed("None", "wire.nothing"), False
    for status, raw in node["responses"].items():
        if not re.fullmatch(r"2\d\d", str(status)):
            continue
        response = c.resolve(raw)
        statuses.append(int(status))
        for media, content in response.get("content", {}).items():
            if media.partition(";")[0] == "application/json":
                answer = answer_type(c, content["schema"], pascal(node["operationId"]) + "Answer")
                if "ETag" in response.get("headers", {}):
                    etag = True
                    c.with_etag.add(answer.annotation)
            else:
                answer = Typed("bytes", "wire.raw")
            break
    operation = Operation(
        node["operationId"], method.upper(), path, node.get("summary", ""),
        node.get("description", ""), parameters, body, body_required, statuses, answer, etag,
    )
    operation.paging = paging_of(c, operation)
    return operation


def paging_of(c: Contract, o: Operation) -> tuple[str, str, str] | None:
    """How a list is paged: by a cursor (`after`, `next`), or by `page` and `total_pages`."""
    schema = c.answers.get(o.answer.annotation)
    if o.method != "GET" or schema is None:
        return None
    members = schema["properties"]
    lists = [(n, s) for n, s in members.items() if c.flat(s)[0].get("type") == "array"]
    query = {p.wire for p in o.parameters if p.place == "query"}
    if len(lists) != 1:
        return None
    name, node = lists[0]
    item = answer_type(c, c.flat(node)[0]["items"], o.answer.annotation + pascal(name) + "Item")
    if "after" in query and "next" in members:
        return "after", name, item.annotation
    if "page" in query and "total_pages" in members:
        return "page", name, item.annotation
    return None


def read_contract(path: pathlib.Path) -> tuple[Contract, list[Operation]]:
    c = Contract(yaml.load(path.read_text(encoding="utf-8"), Loader=Loader))
    operations = []
    for route, item in c.doc["paths"].items():
        for method in ("get", "put", "post", "patch", "delete"):
            if method in item:
                shared = item.get("parameters", [])
                operations.append(read_operation(c, route, method, item[method], shared))
    return c, operations
