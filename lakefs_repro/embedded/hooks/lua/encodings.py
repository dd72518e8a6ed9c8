"""The packages ``encoding/*`` of lakeFS' Lua."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from typing import Any

from lakefs_repro.embedded.hooks.lua.values import LuaError

_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_BLANKS = re.compile(r"[\t\n\r ]*")
_EXACT = 2**53


def _decoded(data: bytes, *, padded: bool) -> bytes:
    plain = data.replace(b"\n", b"").replace(b"\r", b"")
    whole = plain if padded else plain + b"=" * (-len(plain) % 4)
    found = _BASE64.match(whole)
    end = found.end() if found else 0
    if end < len(whole) or len(whole) % 4 or (not padded and b"=" in plain):
        place = end if end < len(whole) else len(whole) // 4 * 4
        place = plain.index(b"=") if not padded and b"=" in plain else place
        raise LuaError(f"illegal base64 data at input byte {place}")
    try:
        return base64.b64decode(whole)
    except binascii.Error:
        raise LuaError(f"illegal base64 data at input byte {max(0, len(plain) - 1)}") from None


def _url_decode(data: bytes) -> bytes:
    bad = next((place for place, each in enumerate(data) if each in b"+/"), None)
    if bad is not None:
        raise LuaError(f"illegal base64 data at input byte {bad}")
    return _decoded(data.replace(b"-", b"+").replace(b"_", b"/"), padded=False)


def _unhex(data: bytes) -> bytes:
    bad = next((each for each in data if each not in b"0123456789abcdefABCDEF"), None)
    if bad is not None:
        raise LuaError(f"encoding/hex: invalid byte: U+{bad:04X} '{chr(bad)}'")
    if len(data) % 2:
        raise LuaError("encoding/hex: odd length hex string")
    return binascii.unhexlify(data)


def _tidy(value: Any) -> Any:
    """Numbers without a fraction as integers: Lua 5.2 knows only one kind."""
    if isinstance(value, dict):
        return {name: _tidy(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_tidy(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def json_marshal(value: Any, options: dict[str, Any] | None = None) -> str:
    prefix, indent = (str((options or {}).get(name, "")) for name in ("prefix", "indent"))
    separators = (",", ": ") if options else (",", ":")
    try:
        shown = json.dumps(
            _tidy(value),
            ensure_ascii=False,
            sort_keys=True,
            allow_nan=False,
            indent=indent if options else None,
            separators=separators,
        )
    except ValueError as error:
        raise LuaError(f"json: unsupported value: {error}") from None
    shown = re.sub("[<>&\u2028\u2029]", lambda found: _HTML[found[0]], shown)
    return shown.replace("\n", f"\n{prefix}") + "\n"


def json_unmarshal(said: str) -> Any:
    reader = json.JSONDecoder(parse_constant=_no_number)
    begun = _end_of_blanks(said, 0)
    try:
        value, end = reader.raw_decode(said, begun)
    except RecursionError:
        raise LuaError("the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise LuaError(_json_problem(said, error)) from None
    end = _end_of_blanks(said, end)
    if end < len(said):
        raise LuaError(f"invalid character '{said[end]}' after top-level value")
    return value


def _no_number(name: str) -> Any:
    raise LuaError(f"invalid character '{name[0]}' looking for beginning of value")


def _end_of_blanks(said: str, at: int) -> int:
    found = _BLANKS.match(said, at)
    return found.end() if found else at


def _json_problem(said: str, error: json.JSONDecodeError) -> str:
    place = _end_of_blanks(said, error.pos)
    if place >= len(said) or "Unterminated" in error.msg:
        return "unexpected end of JSON input"
    return f"invalid character '{said[place]}' at {place + 1}: {error.msg}"


def yaml_marshal(value: Any) -> str:
    import yaml  # noqa: PLC0415  only for scripts that ask for it

    class Dumper(yaml.SafeDumper):
        """Strings that would be read as something else in quotes of Go's kind."""

    def shown(dumper: Any, said: str) -> Any:
        plain = dumper.resolve(yaml.ScalarNode, said, (True, False)) == "tag:yaml.org,2002:str"
        return dumper.represent_scalar("tag:yaml.org,2002:str", said, style=None if plain else '"')

    Dumper.add_representer(str, shown)
    try:
        return yaml.dump(_tidy(value), Dumper=Dumper, indent=4, default_flow_style=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise LuaError(f"yaml: {error}") from None


def yaml_unmarshal(said: str) -> Any:
    import yaml  # noqa: PLC0415  only for scripts that ask for it

    class Loader(yaml.SafeLoader):
        """YAML 1.2's booleans, and no dates: these are strings, as Lua knows none."""

    left_out = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"}
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag not in left_out]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")
    )
    try:
        return yaml.load(said, Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise LuaError(f"yaml: {where}{getattr(error, 'problem', None) or error}") from None


def parquet_schema(data: bytes) -> list[dict[str, str]]:
    """Every node of a Parquet file's schema but its root, from top to bottom."""
    import pyarrow as pa  # noqa: PLC0415  only for scripts that ask for it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        schema = pq.ParquetFile(io.BytesIO(data)).schema
    except (pa.ArrowException, OSError, ValueError) as error:
        raise LuaError(f"not a Parquet file that can be read: {error}") from None
    told: list[dict[str, str]] = []
    groups: tuple[str, ...] = ()
    for place in range(len(schema)):
        leaf = schema.column(place)
        above = leaf.path[: -len(leaf.name) - 1]
        path = tuple(above.split(".")) if above else ()
        shared = 0
        while shared < min(len(path), len(groups)) and path[shared] == groups[shared]:
            shared += 1
        told += [{"name": name, "type": "N/A"} for name in path[shared:]]
        told.append({"name": leaf.name, "type": leaf.physical_type})
        groups = path
    return told


PACKAGES: dict[str, dict[str, tuple[str, Any]]] = {
    "encoding/base64": {
        "encode": ("b", base64.b64encode),
        "decode": ("b", lambda data: _decoded(data, padded=True)),
        "url_encode": ("b", lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")),
        "url_decode": ("b", _url_decode),
    },
    "encoding/hex": {"encode": ("b", binascii.hexlify), "decode": ("b", _unhex)},
    "encoding/json": {"marshal": ("t|t", json_marshal), "unmarshal": ("s", json_unmarshal)},
    "encoding/yaml": {"marshal": ("t", yaml_marshal), "unmarshal": ("s", yaml_unmarshal)},
    "encoding/parquet": {"get_schema": ("b", parquet_schema)},
}
