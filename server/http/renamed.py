"""Fields of answers that have another name than in 0.1: until 0.3 they stand under both. `docs/http.md` lists them."""

from collections.abc import Mapping
from typing import Any

WAS = {"talk_ms": "talks_ms", "duration_ms": "lasts_ms", "external": "elsewhere"}


def with_earlier_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same, each renamed field under its earlier name as well."""
    return {**fields, **{was: fields[name] for name, was in WAS.items() if name in fields}}
