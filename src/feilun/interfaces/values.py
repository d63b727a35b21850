"""What pydantic finds wrong with a value, on the command line and in a request, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feilun.core.remark import Remark

PREFIX = "Value error, "

CHINESE = {
    "missing": "缺少这一项",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数，不能有小数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "finite_number": "应为有限的数",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "string_type": "应为字符串",
    "string_unicode": "应为有效的 Unicode 字符串",
    "string_too_short": "至少要有 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "应符合 {pattern}",
    "too_short": "至少要有 {min_length} 项，现有 {actual_length} 项",
    "too_long": "最多 {max_length} 项，现有 {actual_length} 项",
    "list_type": "应为列表",
    "dict_type": "应为 JSON 对象",
    "model_type": "应为 JSON 对象",
    "model_attributes_type": "应为 JSON 对象",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "literal_error": "应为 {expected}",
    "enum": "应为 {expected}",
    "union_tag_invalid": "{tag} 不在 {expected_tags} 之中",
    "none_required": "应为 null",
    "datetime_parsing": "应为 ISO 8601 格式的时间",
    "datetime_from_date_parsing": "应为 ISO 8601 格式的时间",
    "timezone_aware": "时间应带有时区",
    "date_parsing": "应为 ISO 8601 格式的日期",
    "date_from_datetime_parsing": "应为 ISO 8601 格式的日期",
    "extra_forbidden": "没有这一项",
}
"""What each kind of fault is called in Chinese; the words in braces are what pydantic tells of it."""


def said_of_value(fault: Mapping[str, Any]) -> Remark:
    """Say what is wrong with a value, as a clause.

    Args:
        fault: One of `ValidationError.errors()`.

    Returns:
        Its English in pydantic's words. A fault that our own validator found is told in its own remark.
    """
    told = fault.get("ctx") or {}
    own = told.get("error")
    english = str(fault["msg"]).removeprefix(PREFIX)
    if isinstance(own, Exception) and own.args and isinstance(own.args[0], Remark):
        return own.args[0]
    named = {name: str(value).replace(" or ", " 或 ") for name, value in told.items()}
    chinese = CHINESE.get(fault["type"])
    return Remark(english, chinese.format(**named) if chinese else english)
