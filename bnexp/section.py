"""What the sections of a run's configuration are made of."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")  # package.module.Class


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(values, allow_nan=False)
    except ValueError as error:
        raise ValueError("must hold finite numbers only") from error
    return values


Options = Annotated[dict[str, Any], AfterValidator(_finite)]


class Section(BaseModel):
    """A section of the configuration: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Entry(Protocol):
    @property
    def options(self) -> type[Section]: ...


@dataclass(frozen=True, eq=False)
class OneOf:
    """Annotates a section whose `tag` says which of the registered `options` classes it is.

    A union of all those classes would say the same, but would import every one of them.
    """

    tag: str
    known: Mapping[str, _Entry]
    which: Callable[[Any], str | None] | None = None  # the name, where it is not just the tag

    def sections(self) -> Iterator[type[Section]]:
        """Every class that the section may be of."""
        yield from dict.fromkeys(entry.options for entry in self.known.values())

    def __get_pydantic_core_schema__(self, source: type[Section], handler: object) -> CoreSchema:
        def chosen(value: Any) -> Section:
            if isinstance(value, source):
                return value
            if not isinstance(value, dict):
                raise PydanticKnownError("model_attributes_type")
            name = self.which(value) if self.which is not None else value.get(self.tag)
            if name is None:
                raise PydanticKnownError("union_tag_not_found", {"discriminator": repr(self.tag)})
            if not isinstance(name, str) or name not in self.known:
                told = {
                    "discriminator": repr(self.tag),
                    "tag": str(name),
                    "expected_tags": ", ".join(map(repr, self.known)),
                }
                raise PydanticKnownError("union_tag_invalid", told)
            return self.known[name].options.model_validate(value)

        return core_schema.no_info_plain_validator_function(chosen)
