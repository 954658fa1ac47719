"""`bnexp list`: what can be named on the command line, a line each."""

from bnexp.compose import GROUPS, presets
from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.probes.catalogue import PROBES

_TITLES = {
    "models": "model",
    "datasets": "data",
    "optimizers": "optimizer",
    "probes": "probes",
    "loggers": "logger",
}
SECTIONS = ("models", "norms", "datasets", "optimizers", "probes", "instruments", "loggers")


def listing(wanted: list[str]) -> str:
    """The sections `wanted` (all of them if empty) as text."""
    sections = {title: presets(group) for title, group in _TITLES.items() if group in GROUPS}
    sections["norms"] = {name: info.summary for name, info in NORMS.items()}
    sections["instruments"] = {name: info.summary for name, info in PROBES.items()}
    if unknown := [name for name in wanted if name not in sections]:
        raise UserError(*(f"list {name}: known are {', '.join(sections)}" for name in unknown))
    keys = {title: f"{group}=" for title, group in _TITLES.items()}
    keys |= {"norms": "model.norm=", "instruments": "probes.NAME="}
    blocks = []
    for title in wanted or SECTIONS:
        width = max(map(len, sections[title]))
        rows = [f"  {name:<{width}}  {text}" for name, text in sections[title].items()]
        blocks.append("\n".join([f"{title} ({keys[title]}...)", *rows]))
    return "\n\n".join(blocks)
