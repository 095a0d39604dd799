"""From settings to what routing knows: a policy's field is the setting of the same name, so nothing is copied field by field.

A duration is `ring_timeout` in YAML and `ring_timeout_ms` in both models.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import ConfigDict

from sources.schema import Settings

P = TypeVar("P")


class PolicySettings(Settings):
    """Settings whose fields are called as those of the policy that is made of them. In YAML the unit is not part of a name."""

    model_config = ConfigDict(alias_generator=lambda name: name.removesuffix("_ms"))


def policy_from(kind: type[P], settings: PolicySettings, **given: Any) -> P:
    """A policy (a dataclass) of these settings and their groups; `given` goes before them. What a policy has no field for is left."""
    found = {**dict(_values(settings)), **given}
    return kind(**{field.name: found[field.name] for field in fields(kind) if field.name in found})  # type: ignore[arg-type]


def _values(settings: PolicySettings) -> Iterator[tuple[str, Any]]:
    for name, value in settings:
        if isinstance(value, PolicySettings):
            yield from _values(value)
        else:
            yield name, value
