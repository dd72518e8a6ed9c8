"""The contract of a dataset: the tables that it promises, their columns and their checks.

The file format is the Open Data Contract Standard v3 (https://bitol.io/open-data-contract-standard/), of
which this module reads the parts that can be checked and keeps the rest, plus two words of its own:
``scope`` and ``pii``. ``docs/reference/contracts.md`` describes every key.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from lakefs_repro.errors import InvalidError
from lakefs_repro.model import contract_glob
from lakefs_repro.model.contract_base import Json, Misfit, Node, Scope, own_property, scopes
from lakefs_repro.model.contract_check import Check
from lakefs_repro.model.contract_types import LogicalType, TypeOptions
from lakefs_repro.model.contract_yaml import Document, read_yaml, write_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic_core import ErrorDetails

API_VERSION = "v3.1.0"

Name = Annotated[str, StringConstraints(min_length=1)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=contract_glob.MAX_GLOB_LENGTH)]

_TABLE_SETTINGS = ("additionalColumns", "missingColumns", "nullMarkers", "csvDelimiter", "csvHeader")
_CONTRACT_SETTINGS = ("notTables",)
_COLUMN_SETTINGS = ("pii", "scope")
_MESSAGES_SHOWN = 5


class _Element(Node):
    """What tables and columns have in common in ODCS."""

    id: str | None = None
    name: Name
    business_name: str | None = None
    description: str | None = None
    physical_type: str | None = None
    tags: Json = None
    authoritative_definitions: Json = None
    relationships: Json = None
    custom_properties: Json = None


class ContractProperty(_Element):
    """A column."""

    name: str
    physical_name: str | None = None
    logical_type: LogicalType | None = None
    logical_type_options: TypeOptions = TypeOptions()
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    primary_key_position: int = -1
    partitioned: bool = False
    partition_key_position: int = -1
    pii: bool = False
    scope: Scope | None = None
    classification: str | None = None
    encrypted_name: str | None = None
    critical_data_element: bool | None = None
    transform_source_objects: Json = None
    transform_logic: str | None = None
    transform_description: str | None = None
    examples: Json = None
    quality: tuple[Check, ...] = ()
    properties: Json = None
    items: Json = None

    @model_validator(mode="after")
    def _consistent(self) -> ContractProperty:
        self.logical_type_options.check(self.logical_type)
        for place, check in enumerate(self.quality):
            if check.measure == "rowCount":
                raise Misfit("rowCount belongs to the quality of the table, not of a column", "quality", place)
            if check.arguments and check.arguments.properties:
                message = "arguments.properties belongs to the quality of the table, not of a column"
                raise Misfit(message, "quality", place)
        _settings_consistent(self.custom_properties, _COLUMN_SETTINGS)
        return self

    @property
    def withheld(self) -> bool:
        """Whether no value of this column may appear anywhere: ``pii: true``, or the custom property."""
        return self.pii or own_property(self.custom_properties, "pii") is True

    @property
    def effective_scope(self) -> Scope | None:
        return self.scope or own_property(self.custom_properties, "scope")

    @property
    def must_have_value(self) -> bool:
        return self.required or self.primary_key

    @property
    def column(self) -> str:
        """The name of the column in the files."""
        return self.physical_name or self.name


class ContractTable(_Element):
    """A table: the files that ``physicalName`` matches, read as one."""

    physical_name: Glob | None = None
    logical_type: Literal["object"] | None = None
    data_granularity_description: str | None = None
    properties: tuple[ContractProperty, ...] = ()
    quality: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> ContractTable:
        names = [column.column for column in self.properties]
        seen: set[str] = set()
        for place, name in enumerate(names):
            if name in seen:
                raise Misfit(f"the column {name!r} is described twice", "properties", place)
            seen.add(name)
        for place, check in enumerate(self.quality):
            fault = self._fault_of(check, seen)
            if fault:
                raise Misfit(fault, "quality", place)
        _settings_consistent(self.custom_properties, _TABLE_SETTINGS)
        return self

    def _fault_of(self, check: Check, columns: set[str]) -> str | None:
        if not check.executable or check.type == "sql":
            return None
        if check.measure not in ("rowCount", "duplicateValues"):
            return f"{check.measure} belongs to the quality of a column, not of the table"
        wanted = (check.arguments.properties if check.arguments else None) or ()
        if check.measure == "duplicateValues" and not wanted:
            return "duplicateValues of a table needs arguments.properties"
        known = {column.name for column in self.properties}.union(columns)
        strange = next((name for name in wanted if name not in known), None)
        if strange is None:
            return None
        return f"arguments.properties names {strange!r}, which is no column of {self.name!r}"

    @property
    def glob(self) -> str:
        return self.physical_name or "**"

    @property
    def key(self) -> tuple[ContractProperty, ...]:
        """The columns of the primary key, by ``primaryKeyPosition`` and then as written."""
        keys = [column for column in self.properties if column.primary_key]
        return tuple(sorted(keys, key=lambda column: column.primary_key_position))

    @property
    def allows_additional_columns(self) -> bool:
        return bool(own_property(self.custom_properties, "additionalColumns") == "allowed")

    @property
    def allows_missing_columns(self) -> bool:
        return bool(own_property(self.custom_properties, "missingColumns") == "allowed")

    @property
    def null_markers(self) -> tuple[str, ...] | None:
        """Text that means null in every column of a CSV file, in place of the defaults."""
        markers = own_property(self.custom_properties, "nullMarkers")
        return None if markers is None else tuple(str(marker) for marker in markers)

    @property
    def csv_delimiter(self) -> str | None:
        delimiter: str | None = own_property(self.custom_properties, "csvDelimiter")
        return delimiter

    @property
    def csv_header(self) -> bool:
        return own_property(self.custom_properties, "csvHeader") is not False


class Contract(Node):
    """The promises of one dataset. Build one with ``load``, or from its parts."""

    api_version: Annotated[str, StringConstraints(pattern=r"^v3\.\d+\.\d+$")] = API_VERSION
    kind: Literal["DataContract"] = "DataContract"
    id: Name
    name: str | None = None
    version: Name = "1.0.0"
    status: Name = "active"
    tenant: str | None = None
    domain: str | None = None
    data_product: str | None = None
    description: Json = None
    tags: Json = None
    tables: tuple[ContractTable, ...] = Field(default=(), alias="schema")
    servers: Json = None
    team: Json = None
    roles: Json = None
    support: Json = None
    price: Json = None
    sla_default_element: str | None = None
    sla_properties: Json = None
    authoritative_definitions: Json = None
    custom_properties: Json = None
    contract_created_ts: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        names = [table.name for table in self.tables]
        if len({name.casefold() for name in names}) < len(names):
            raise ValueError("two tables have the same name (capitals aside)")
        if len(self.tables) > 1:
            for place, table in enumerate(self.tables):
                if table.physical_name is None:
                    message = f"table {table.name!r} needs a physicalName: of several tables, each names its own files"
                    raise Misfit(message, "schema", place)
        _settings_consistent(self.custom_properties, _CONTRACT_SETTINGS)
        return self

    @classmethod
    def load(cls, text: str | bytes, *, source: str = "contract.yaml") -> Contract:
        """The contract written in ``text``, a YAML document of at most 1 MiB.

        Args:
            text: the document; treated as untrusted.
            source: the file's name, for messages.

        Raises:
            InvalidError: the message names the source, the line, the key, and what is allowed.
        """
        document = read_yaml(text, source=source)
        _demand_fundamentals(document)
        try:
            return cls.model_validate_json(json.dumps(document.data), strict=True)
        except ValidationError as error:
            raise _explain(error, document) from error

    def dump(self) -> str:
        """The contract as YAML: the same text for equal contracts, and ``load`` gives an equal one."""
        data = _ordered(self.to_data())
        fundamentals = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "id": self.id,
            "version": self.version,
            "status": self.status,
        }
        return write_yaml({**fundamentals, **data})

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the content as canonical JSON: comments, key order and defaults don't matter."""
        canonical = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    def table_for(self, path: str) -> ContractTable | None:
        """The first table whose ``physicalName`` matches the dataset-relative ``path``."""
        return next((table for table in self.tables if contract_glob.matches(table.glob, path)), None)

    def ignores(self, path: str) -> bool:
        """Whether the custom property ``notTables`` takes ``path`` out of all checks."""
        globs = own_property(self.custom_properties, "notTables") or []
        return any(contract_glob.matches(str(glob), path) for glob in globs)


# Written last in their mapping, in this order: the long sections.
_LATE = (
    "logicalTypeOptions",
    "schema",
    "properties",
    "quality",
    "tags",
    "authoritativeDefinitions",
    "customProperties",
)


def _ordered(data: Any) -> Any:
    """``data`` with the keys of each mapping in an order that reads well; the same for equal contracts."""
    if isinstance(data, list):
        return [_ordered(item) for item in data]
    if not isinstance(data, dict):
        return data
    late = [key for key in _LATE if key in data]
    return {key: _ordered(data[key]) for key in [*(key for key in data if key not in late), *late]}


_VALUES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "additionalColumns": ("is either allowed or refused", lambda value: value in ("allowed", "refused")),
    "missingColumns": ("is either allowed or refused", lambda value: value in ("allowed", "refused")),
    "csvHeader": ("is either true or false", lambda value: isinstance(value, bool)),
    "csvDelimiter": ("is one ASCII character", lambda value: isinstance(value, str) and len(value.encode()) == 1),
    "nullMarkers": ("is a list of texts", lambda value: isinstance(value, list)),
    "notTables": ("is a list of globs", lambda value: isinstance(value, list)),
    "pii": ("is either true or false", lambda value: isinstance(value, bool)),
    "scope": (f"is one of {', '.join(scopes())}", lambda value: value in scopes()),
}


def _settings_consistent(section: Json, ours: tuple[str, ...]) -> None:
    """Custom properties are free, but those of this package have to be what it understands."""
    if section is None:
        return
    if not isinstance(section, list):
        raise Misfit("a list of entries with the keys property and value is expected", "customProperties")
    for place, entry in enumerate(section):
        if not isinstance(entry, dict) or not isinstance(entry.get("property"), str):
            raise Misfit("an entry has the keys property and value", "customProperties", place)
        name = str(entry["property"])
        near = difflib.get_close_matches(name, ours, 1, 0.85)
        if near and name not in ours:
            message = f"the custom property {name!r} is not known; did you mean {near[0]!r}?"
            raise Misfit(message, "customProperties", place)
        if name in ours:
            allowed, fits = _VALUES[name]
            if not fits(entry.get("value")):
                raise Misfit(f"the custom property {name} {allowed}", "customProperties", place)


def _demand_fundamentals(document: Document) -> None:
    for key, example in (("apiVersion", API_VERSION), ("kind", "DataContract"), ("id", "flights")):
        if document.data.get(key) is None:
            raise InvalidError(
                f"{document.source}, line 1: the key {key} is missing; a contract begins with "
                "apiVersion, kind, id, version and status",
                hint=f"add the line: {key}: {example}",
                kind="bad-contract",
            )


def _explain(error: ValidationError, document: Document) -> InvalidError:
    details = error.errors(include_url=False)
    found = list(dict.fromkeys(_message(detail, document) for detail in details))
    messages = found[:_MESSAGES_SHOWN]
    if len(found) > _MESSAGES_SHOWN:
        messages.append(f"and {len(found) - _MESSAGES_SHOWN} more")
    return InvalidError(
        "\n".join(messages),
        hint="docs/reference/contracts.md lists every key and what it allows",
        kind="bad-contract",
    )


def _message(detail: ErrorDetails, document: Document) -> str:
    inner = getattr(detail.get("ctx", {}).get("error"), "path", ())
    path = _written_path((*detail["loc"], *inner), document.data)
    where = f"{document.source}, line {document.line(path)}: "
    key = _spoken(path, document.data)
    if detail["type"] == "extra_forbidden":
        return where + _unknown_key(path, key)
    if detail["type"] == "missing":
        return f"{where}the key {detail['loc'][-1]} is missing" + (f" in {key}" if key else "")
    text = detail["msg"].removeprefix("Value error, ").replace("a valid boolean", "true or false")
    return f"{where}{key or 'contract'}: {text[:1].lower()}{text[1:]}"


def _spoken(path: tuple[int | str, ...], data: Any) -> str:
    """A path with names in the place of numbers: ``schema[flights].properties[year].logicalType``."""
    words = ""
    for part in path:
        data = data[part]
        if isinstance(part, int):
            name = (data.get("name") or data.get("id")) if isinstance(data, dict) else None
            words += f"[{name if isinstance(name, str) else part}]"
        else:
            words += f".{part}" if words else part
    return words


def _written_path(location: tuple[int | str, ...], data: Any) -> tuple[int | str, ...]:
    """The leading part of a pydantic location that exists in the file (unions add steps of their own)."""
    path: list[int | str] = []
    for part in location:
        inside = part < len(data) if isinstance(data, list) and isinstance(part, int) else False
        if not inside and not (isinstance(data, dict) and part in data):
            break
        data = data[part]
        path.append(part)
    return tuple(path)


def _unknown_key(path: tuple[int | str, ...], key: str) -> str:
    known = _known_keys(path)
    near = difflib.get_close_matches(str(path[-1]), known, 1, 0.6)
    if near:
        return f"the key {key} is not known; did you mean {near[0]}?"
    return f"the key {key} is not known (allowed: {', '.join(known)})"


_CHILDREN: Mapping[tuple[type[BaseModel], str], type[BaseModel]] = {
    (Contract, "schema"): ContractTable,
    (ContractTable, "properties"): ContractProperty,
    (ContractTable, "quality"): Check,
    (ContractProperty, "quality"): Check,
    (ContractProperty, "logicalTypeOptions"): TypeOptions,
}


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Contract
    for part in path[:-1]:
        if isinstance(part, str):
            model = _CHILDREN.get((model, part)) or _optional_model(model, part)
    return [field.alias or name for name, field in model.model_fields.items()]


def _optional_model(model: type[BaseModel], key: str) -> type[BaseModel]:
    for field in model.model_fields.values():
        if field.alias == key:
            for member in get_args(field.annotation):
                if isinstance(member, type) and issubclass(member, BaseModel):
                    return member
    return model
