"""What Hydra, OmegaConf and YAML complain of, as lines that name the key as it was typed."""

import re
import shlex
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bnexp.errors import UserError


@contextmanager
def one_line_complaints() -> Iterator[None]:
    """Turn the exceptions of Hydra, OmegaConf and YAML into UserErrors."""
    from hydra.errors import HydraException, OverrideParseException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import MarkedYAMLError

    try:
        yield
    except OverrideParseException as error:
        raise UserError(unreadable(error.override, error.message)) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_one_line(error)) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{Path(mark.name).name}, line {mark.line + 1}" if mark else "a configuration"
        raise UserError(f"{where}: is no YAML: {error.problem or error.context}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        # Hydra's way to refuse flags that do not go together, and configurations of odd shapes
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if frame.f_globals["__name__"].partition(".")[0] not in ("hydra", "omegaconf", "antlr4"):
            raise
        raise UserError(_one_line(error)) from error


def unreadable(override: str, message: str) -> str:
    """What is to be said of an override that Hydra's grammar does not read."""
    typed = override.lstrip("+")
    key, equals, value = typed.partition("=")
    if not equals:
        return f"{typed}: is no key=value"
    if not key:
        return f"{typed}: has no key"
    message = " ".join(message.split()).partition(" See https://hydra.cc")[0]
    message = re.sub(r"Error parsing override .*' ", "", message)
    if message.startswith("LexerNoViableAlt"):
        message = "holds a sign that is read only within quotes"
    if " while evaluating " in message:  # a function's own complaint
        return f"{typed}: {message.partition('while evaluating ')[2]}"
    if re.match(r"[\[{$]|\w+\(", value):  # meant as a list, a mapping or a function
        return f"{typed}: {message}"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f"{typed}: {message}; as text it needs quotes: " + shlex.quote(f'{key}="{quoted}"')


def _one_line(error: Exception) -> str:
    cause = error.__cause__
    text = str(error) if cause is None or str(cause) in str(error) else f"{error}: {cause}"
    text = " ".join((text or type(error).__name__).split()).replace("'++", "'")
    text = text.partition(" Config search path:")[0].partition(" See https://hydra.cc")[0]
    if several := re.match(r"(?:Ambiguous value for argument|Sweep parameters) '\+*(.*?)'", text):
        typed = several[1]
        key, _, value = typed.partition("=")
        listed = shlex.quote(f"{key}=[{value}]")
        return f"{typed}: several values are a sweep, with train -m; a list is written {listed}"
    if mixed := re.match(
        r"Error merging override \+*(.*): Cannot merge .* object_type=(\w+)", text
    ):
        due = "a list, such as [a, b]" if mixed[2] == "list" else "a mapping, such as {key: value}"
        return f"{mixed[1]}: must be {due}"
    return text
