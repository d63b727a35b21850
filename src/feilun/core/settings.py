"""Settings: a dataclass is the TOML table, the `--set` key, the documentation row and the behaviour.

A settings dataclass declares each field with `setting(default, help, …)`. `read` turns a table into the dataclass and
collects every fault instead of stopping at the first. A field whose value is itself a table is declared with
`table(SettingsClass)`, one whose class depends on the key `kind` with `choice({"kind": SettingsClass, …})`.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from feilun.core.errors import nearest
from feilun.core.remark import Remark, joined, said_in

Settings = TypeVar("Settings")

REQUIRED = MISSING
"""Default of a setting that has none: the key must be given."""


def setting(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
    below: float | None = None,
) -> Any:
    """Declare a setting.

    Args:
        default: Its value where the key is absent, or `REQUIRED`.
        description: One phrase for the reference table.
        minimum: Smallest valid number.
        above: Number that the value must exceed.
        maximum: Largest valid number.
        below: Number that the value must stay under.

    Returns:
        A dataclass field.
    """
    bounds = {"minimum": minimum, "above": above, "maximum": maximum, "below": below}
    metadata = {"description": description, "bounds": {k: v for k, v in bounds.items() if v is not None}}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def table(kind: type, description: str) -> Any:
    """Declare a setting that is a table of its own."""
    return field(default_factory=kind, metadata={"description": description, "table": kind})


def tables(kind: type, description: str) -> Any:
    """Declare a setting that is a table of tables of one kind, each under a name of the user's."""
    return field(default_factory=dict, metadata={"description": description, "tables": kind})


def derived(default: Any) -> Any:
    """Declare what is no setting: no table holds it, and it is filled in from others."""
    return field(default=default, metadata={"derived": True})


def choice(kinds: Mapping[str, type], default: str, description: str) -> Any:
    """Declare a table whose key `kind` picks the settings class."""
    metadata = {"description": description, "kinds": dict(kinds), "default_kind": default}
    return field(default_factory=kinds[default], metadata=metadata)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a key.

    Args:
        key: Dotted key, such as `training.learning_rate`.
        message: A finished sentence.
    """

    key: str
    message: str


def read(cls: type[Settings], values: Mapping[str, Any], prefix: str = "") -> tuple[Settings | None, list[Fault]]:
    """Build settings from a table and collect every fault.

    Args:
        cls: The settings dataclass.
        values: The table, as `tomllib` gives it.
        prefix: Dotted key of the table, for the faults.

    Returns:
        The settings (None where there are faults) and the faults.
    """
    faults: list[Fault] = []
    known = {f.name: f for f in declared_settings(cls)}
    hints = get_type_hints(cls)
    for name in values:
        if name not in known:
            hint = nearest(name, known)
            unknown = Remark(f"unknown key {name!r}. {hint}", f"未知的键 {name!r}。{said_in('zh', hint)}")
            faults.append(Fault(_join(prefix, name), unknown))
    arguments = {}
    for name, declared in known.items():
        key = _join(prefix, name)
        if name not in values:
            if declared.default is MISSING and declared.default_factory is MISSING:
                what = declared.metadata["description"]
                missing = Remark(
                    f"the key {key!r} is required: {what}.", f"缺少必需的键 {key!r}：{said_in('zh', what)}。"
                )
                faults.append(Fault(key, missing))
            continue
        value, found = _read_value(declared, hints[name], values[name], key)
        faults += found
        arguments[name] = value
    if faults:
        return None, faults
    settings = cls(**arguments)
    check: Callable[[], list[str]] | None = getattr(settings, "contradictions", None)
    faults += [Fault(prefix, message) for message in (check() if check else [])]
    return (None if faults else settings), faults


def to_table(settings: Any) -> dict[str, Any]:
    """Return settings as a table that `read` turns back into them; absent values are left out."""
    result: dict[str, Any] = {}
    for declared in declared_settings(settings):
        value = getattr(settings, declared.name)
        if "kinds" in declared.metadata:
            kinds: Mapping[str, type] = declared.metadata["kinds"]
            kind = next(name for name, cls in kinds.items() if isinstance(value, cls))
            result[declared.name] = {"kind": kind, **to_table(value)}
        elif "tables" in declared.metadata:
            result[declared.name] = {name: to_table(own) for name, own in value.items()}
        elif dataclasses.is_dataclass(value):
            result[declared.name] = to_table(value)
        elif value is not None:
            result[declared.name] = list(value) if isinstance(value, tuple) else value
    return result


def declared_settings(cls: Any) -> list[Field[Any]]:
    """Return the fields of a settings class that tables hold."""
    return [declared for declared in fields(cls) if "derived" not in declared.metadata]


def describe(cls: type, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each key: dotted key, type, default, description."""
    hints = get_type_hints(cls)
    for declared in declared_settings(cls):
        key = _join(prefix, declared.name)
        metadata = declared.metadata
        if "kinds" in metadata:
            kinds = " | ".join(metadata["kinds"])
            yield f"{key}.kind", kinds, str(metadata["default_kind"]), metadata["description"]
            for kind, kind_class in metadata["kinds"].items():
                for row in describe(kind_class, key):
                    yield row[0], row[1], row[2], joined([f"({kind}) ", row[3]], "", "")
        elif "table" in metadata:
            yield from describe(metadata["table"], key)
        elif "tables" in metadata:
            yield from describe(metadata["tables"], f"{key}.NAME")
        else:
            yield key, type_name(hints[declared.name]), _default_name(declared), metadata["description"]


TYPE_NAMES = {
    str: Remark("text", "文本"),
    int: Remark("whole number", "整数"),
    float: Remark("number", "数字"),
    bool: Remark("true/false", "true/false"),
    dict: Remark("table", "表"),
}


def type_name(hint: Any) -> Remark:
    """Say a type as a recipe's reader would: text, number, whole number, true/false, list of …, or the choices."""
    if get_origin(hint) is Literal:
        return joined([str(option) for option in get_args(hint)], " | ", " | ")
    if get_origin(hint) in {Union, types.UnionType}:
        return joined([type_name(option) for option in get_args(hint) if option is not type(None)], " | ", " | ")
    if get_origin(hint) in {list, tuple}:
        item = type_name(get_args(hint)[0])
        return Remark(f"list of {item}", f"{said_in('zh', item)}列表")
    return TYPE_NAMES.get(get_origin(hint) or hint, Remark(str(hint), str(hint)))


def _must_be(key: str, kind: Remark, value: Any) -> Fault:
    """Say that a value is of another kind than its key wants."""
    article = "a " if kind.startswith(("whole number", "number", "list of", "table")) else ""
    return Fault(
        key,
        Remark(f"{key} must be {article}{kind}, not {value!r}.", f"{key} 应为“{kind.chinese}”，而不是 {value!r}。"),
    )


def _read_value(declared: Field[Any], hint: Any, value: Any, key: str) -> tuple[Any, list[Fault]]:
    metadata = declared.metadata
    if "table" in metadata or "tables" in metadata or "kinds" in metadata:
        if not isinstance(value, Mapping):
            return None, [_must_be(key, TYPE_NAMES[dict], value)]
        if "tables" in metadata:
            return _read_tables(metadata["tables"], value, key)
        if "table" in metadata:
            return read(metadata["table"], value, key)
        return _read_kind(metadata, value, key)
    if not _fits(value, hint):
        return None, [_must_be(key, type_name(hint), value)]
    for bound, says, holds in _BOUNDS:
        limit = metadata["bounds"].get(bound)
        if limit is not None and not isinstance(value, str) and value is not None and not holds(value, limit):
            beyond = Remark(
                f"{key} must be {says} {limit:g}, not {value!r}.",
                f"{key} 必须{says.chinese} {limit:g}，而不是 {value!r}。",
            )
            return None, [Fault(key, beyond)]
    return (tuple(value) if get_origin(hint) is tuple else value), []


def _read_tables(kind: type, value: Mapping[str, Any], key: str) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    found: dict[str, Any] = {}
    for name, own in value.items():
        place = _join(key, name)
        if not isinstance(own, Mapping):
            faults.append(_must_be(place, TYPE_NAMES[dict], own))
            continue
        found[name], more = read(kind, own, place)
        faults += more
    return found, faults


def _read_kind(metadata: Mapping[str, Any], value: Mapping[str, Any], key: str) -> tuple[Any, list[Fault]]:
    kind = value.get("kind", metadata["default_kind"])
    if kind not in metadata["kinds"]:
        hint = nearest(str(kind), metadata["kinds"])
        unknown = Remark(f"unknown kind {kind!r}. {hint}", f"未知的类型 {kind!r}。{said_in('zh', hint)}")
        return None, [Fault(f"{key}.kind", unknown)]
    return read(metadata["kinds"][kind], {k: v for k, v in value.items() if k != "kind"}, key)


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin in {Union, types.UnionType}:
        return any(_fits(value, option) for option in get_args(hint))
    if origin in {list, tuple}:
        return isinstance(value, (list, tuple)) and all(_fits(item, get_args(hint)[0]) for item in value)
    if origin is dict:
        return isinstance(value, Mapping) and all(_fits(item, get_args(hint)[1]) for item in value.values())
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


_BOUNDS: tuple[tuple[str, Remark, Callable[[float, float], bool]], ...] = (
    ("minimum", Remark("at least", "不小于"), lambda value, limit: value >= limit),
    ("above", Remark("above", "大于"), lambda value, limit: value > limit),
    ("maximum", Remark("at most", "不大于"), lambda value, limit: value <= limit),
    ("below", Remark("below", "小于"), lambda value, limit: value < limit),
)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _default_name(declared: Field[Any]) -> str:
    if declared.default is not MISSING:
        value = declared.default
    elif declared.default_factory is not MISSING:
        value = declared.default_factory()
    else:
        return "required"
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
