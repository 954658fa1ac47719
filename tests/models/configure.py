from functools import cache
from typing import Any

from pydantic import TypeAdapter

from bnexp import schema
from bnexp.compose import compose
from bnexp.config import Model

composed = cache(compose)


def configure(preset: str, **keys: Any) -> Any:
    """The configuration of a preset with some of its keys changed, defaults of the norm filled in.

    Composed for data=digits, whose content no model depends on.
    """
    tree, _ = composed((f"model={preset}",))
    tree, _ = schema.with_defaults(tree | {"model": tree["model"] | keys})
    return TypeAdapter(Model).validate_python(tree["model"])
