"""What a normaliser computes on a given shape, read off the real layer: `bnexp explain`."""

import json
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.plugins import load_plugins

if TYPE_CHECKING:
    from torch import Tensor, nn

USAGE = """\
bnexp explain NORM [shape=N,C[,D[,H[,W]]]] [option=value ...] [--open] [--out FILE.html]

Says which axes a normaliser reduces on an input of that shape, how many statistics it computes
and from how many values, its parameters and buffers, and what it does in training and evaluation.
NORM is a name of `bnexp list norms` or a class of your own; the shape is 4,16,8,8 unless given.
With --open (or --out) also a page on which a small batch goes through it, forward and backward.

  bnexp explain batch
  bnexp explain batch --open
  bnexp explain norm=group shape=4,6,8,8 groups=3 eps=1e-3
  bnexp explain my_package.MyNorm shape=32,64
"""
SHAPE = "4,16,8,8"
LARGEST = 2**22  # values of an input
DRAWN = (12, 32)  # samples and channels in the picture


def main(argv: list[str]) -> int:
    """Print the explanation of `NORM [shape=...] [option=value ...]`. UserError on bad input."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    load_plugins()
    argv, out, opened = _flags(argv)
    values: dict[str, str] = {}
    for place, argument in enumerate(argv):
        key, equals, value = argument.partition("=")
        if not equals and place == 0:
            key, value = "norm", argument  # `explain batch` is `explain norm=batch`
        elif not equals or not key:
            raise UserError(f"{argument}: expected key=value, for example shape=4,6,8,8")
        if key in values:
            raise UserError(f"{key}: given twice")
        values[key] = value
    if "norm" not in values:
        raise UserError("norm= is missing, for example norm=batch")
    norm, shape = values.pop("norm"), _shape(values.pop("shape", SHAPE))
    options = {key: _value(value) for key, value in values.items()}
    print(explain(norm, shape, options))
    if out or opened:
        _write_page(norm, options, Path(out or f"explain-{norm}.html"), opened)
    return 0


def _flags(argv: list[str]) -> tuple[list[str], str, bool]:
    """The arguments without flags, the file of --out, and whether to open it."""
    rest, out, opened = [], "", False
    given = iter(argv)
    for argument in given:
        if argument == "--open":
            opened = True
        elif argument == "--out" or argument.startswith("--out="):
            out = argument.partition("=")[2] or next(given, "")
            if not out:
                raise UserError("--out: expected a file, for example --out batch.html")
        elif argument.startswith("-"):
            raise UserError(f"{argument}: no such flag; known are --open, --out FILE.html")
        else:
            rest.append(argument)
    return rest, out, opened


def _write_page(norm: str, options: dict[str, Any], path: Path, opened: bool) -> None:
    from bnexp.explain_page import page
    from bnexp.runs.files import write_text

    text = page(norm, options).html()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    print(f"\n{path}")
    if opened:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())


def explain(norm: str, shape: tuple[int, ...], options: dict[str, Any]) -> str:
    """Return what the normaliser does to an input (N, C, *space) of that shape.

    norm is a name of the catalogue or "package.module.Class". UserError for what the layer
    refuses, and for more than four million values.
    """
    if prod(shape) > LARGEST:
        raise UserError(f"shape={shape}: at most {LARGEST:,} values; a smaller one shows the same")
    info = NORMS.get(norm)
    title = f"{norm}: {info.summary}" if info else norm
    if info and info.on_weights:
        return f"{title}\n{_explain_weights(norm, shape, options)}"
    return f"{title}\n{_explain_layer(norm, shape, options)}"


def _explain_layer(norm: str, shape: tuple[int, ...], options: dict[str, Any]) -> str:
    import torch

    from bnexp.norms.make import make_norm
    from bnexp.norms.sharing import count, drawn, shared_values

    layer = drawn(make_norm(norm, shape[1], **options).double())
    before = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    try:
        training = shared_values(layer, shape)
        updated = [k for k, v in layer.named_buffers() if not torch.equal(v, before[k])]
        evaluation = shared_values(layer.eval(), shape)
    except Exception as error:  # whatever a layer of the user's says
        said = (str(error) or type(error).__name__).strip().partition("\n")[0]
        raise UserError(f"norm={norm} shape={shape}: {said}") from error
    axes = ["N", "C", *"DHW"[5 - len(shape) :]]
    in_training, in_evaluation = (
        _mode(masks, axes, list(before)) for masks in (training, evaluation)
    )
    if updated:
        in_training += [f"    and updates {_join(updated, 'and')}"]
    lines = [f"input ({', '.join(axes)}) = {shape}", ""]
    if in_training == in_evaluation:
        lines += ["in training and evaluation: " + in_training[0], *in_training[1:]]
    else:
        lines += ["in training: " + in_training[0], *in_training[1:]]
        lines += ["in evaluation: " + in_evaluation[0], *in_evaluation[1:]]
    lines += ["", *_tensors(layer)]
    if 0 < count(training)[0] < prod(shape):
        lines += ["", *_picture(training[0], axes)]
    return "\n".join(lines)


def _mode(masks: list["Tensor"], axes: list[str], buffers: list[str]) -> list[str]:
    """Say what statistics one mode computes of the input."""
    from bnexp.norms.sharing import count

    number, sizes = count(masks)
    if sizes == [1]:
        stored = [name for name in buffers if name.startswith("running")]
        by = f" by the stored {_join(stored, 'and')}" if stored else ""
        return [f"no statistics of the input; each value is mapped on its own{by}"]
    if not number:
        return ["the output does not depend on the input"]
    others = int(masks[0].flatten(1).any(1).sum()) > 1
    return [
        f"{_statistics(number)} of {_join(sizes, 'or')} values",
        f"    reduced: {_reduced(masks[0], axes)}",
        f"    a sample's output {'depends' if others else 'does not depend'} on the other samples",
    ]


def _explain_weights(norm: str, shape: tuple[int, ...], options: dict[str, Any]) -> str:
    from torch import nn

    from bnexp.norms.make import attach_norm
    from bnexp.norms.sharing import count, shared_values

    channels, space = shape[1], len(shape) - 2
    plain: nn.Module = nn.Linear(channels, channels)
    if space:
        plain = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[space - 1](channels, channels, 3, padding=1)
    kind = f"{type(plain).__name__}({channels}, {channels})"
    layer = attach_norm(plain, norm, channels, **options)[0].double().eval()
    originals = [p.detach() for p in layer.get_submodule("parametrizations.weight").parameters()]
    parametrization = layer.get_submodule("parametrizations.weight.0")
    weight = originals[-1]

    def normalised(w: "Tensor") -> "Tensor":
        result: Tensor = parametrization(*originals[:-1], w)
        return result

    masks = shared_values(normalised, tuple(weight.shape))
    number, sizes = count(masks)
    axes = ["out", "in", *"DHW"[3 - space :]]
    return "\n".join(
        [
            f"shown on the weight ({', '.join(axes)}) = {tuple(weight.shape)} of {kind}",
            "",
            f"in training and evaluation: {_statistics(number)} of {_join(sizes, 'or')} weights, "
            "none of the input",
            f"    reduced: {_reduced(masks[0], axes)}",
            "",
            *_tensors(layer),
            "",
            *_picture(masks[0], axes),
        ]
    )


def _statistics(number: int) -> str:
    return "1 statistic" if number == 1 else f"{number:,} statistics, each"


def _reduced(mask: "Tensor", axes: list[str]) -> str:
    """Name the axes along which one statistic has more than one value."""
    names = []
    for axis, name in enumerate(axes):
        used = int(mask.movedim(axis, 0).flatten(1).any(1).sum())
        if used == mask.shape[axis] > 1:
            names.append(name)
        elif used > 1:
            names.append(f"{name} ({used} of {mask.shape[axis]})")
    return ", ".join(names)


def _tensors(layer: "nn.Module") -> list[str]:
    lines = []
    for kind, tensors in (
        ("parameters", dict(layer.named_parameters())),
        ("buffers", dict(layer.named_buffers())),
    ):
        total = sum(tensor.numel() for tensor in tensors.values())
        shown = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in tensors.items())
        lines.append(f"{kind}: {total:,} values: {shown}" if tensors else f"{kind}: none")
    return lines


def _picture(mask: "Tensor", axes: list[str]) -> list[str]:
    """Draw the first two axes as rows and columns; a square stands for all axes behind them."""
    behind = prod(mask.shape[2:])
    cells = mask.flatten(2).any(2) if mask.ndim > 2 else mask
    rows, columns = (min(n, most) for n, most in zip(cells.shape, DRAWN, strict=True))
    cut = [" ..." if n > most else "" for n, most in zip(cells.shape, DRAWN, strict=True)]
    lines = [f"one statistic, by {axes[0]} down and {axes[1]} across"]
    if mask.ndim > 2:
        lines[0] += f"; a square stands for {behind:,} values"
    for row in cells[:rows, :columns].tolist():
        lines.append("    " + " ".join("■" if cell else "·" for cell in row) + cut[1])
    return lines + [f"   {cut[0]}"] * bool(cut[0])


def _join(items: list[Any], last: str) -> str:
    words = [f"{item:,}" if isinstance(item, int) else str(item) for item in items]
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if words[1:] else words[0]


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(size) for size in text.strip("()[] ").split(","))
    except ValueError:
        shape = ()
    if not 2 <= len(shape) <= 5 or min(shape) < 1:
        raise UserError(f"shape={text}: expected N,C and up to three sizes, for example 4,6,8,8")
    return shape


def _value(text: str) -> Any:
    """Read a number, true, false or null; anything else is a string."""
    try:
        return json.loads(text.lower())
    except (ValueError, RecursionError):
        return text
