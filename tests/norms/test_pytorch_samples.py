"""PyTorch's own samples for its normalisers, run against ours.

The module samples (`common_modules`) and operator samples (`common_methods_invocations`) come with
PyTorch. What cannot apply to layers that take (N, C, *space) is listed in NOT_APPLICABLE with the
reason; a sample is left out for no other, and every reason is needed by some sample.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.norms import (
    BatchNorm,
    BatchRenorm,
    GhostBatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    ManualBatchNorm,
    PreciseBatchNorm,
    RMSNorm,
)

modules = pytest.importorskip("torch.testing._internal.common_modules")
operators = pytest.importorskip("torch.testing._internal.common_methods_invocations")

NOT_APPLICABLE = {
    "one dimension": "an input without a channel dimension",
    "no batch": "(C, *space): a batch dimension is never implied, so the channels do not fit",
    "affine per element": "ours is per channel, so that images of any size fit",
    "over the batch": "one statistic for several samples, as in layer_norm(x, x.shape)",
    "normalized_shape": "errors about a shape that cannot be asked for: channels are one number",
    "constructor": "GroupNorm of ours raises a UserError that lists the groups that fit",
    "another name": "native_* and _*: the samples of batch_norm, group_norm and layer_norm again",
    "another layer": "local response norm and normalize are no normalisers of activations",
}
BATCH_NORMS = [BatchNorm, ManualBatchNorm, GhostBatchNorm, PreciseBatchNorm]
DTYPES = [torch.float64, torch.float32]


def results(call: Callable[[Tensor], Tensor], x: Tensor, *leaves: Tensor | None) -> list[Tensor]:
    """The output, and the gradients of a fixed projection of it."""
    x = x.detach().clone().requires_grad_()
    y = call(x)
    torch.manual_seed(0)
    wanted = [x, *(leaf for leaf in leaves if leaf is not None)]
    return [y, *torch.autograd.grad(y, wanted, torch.randn_like(y))]


def run_module(layer: nn.Module, x: Tensor) -> list[Tensor]:
    return results(layer, x, *layer.parameters()) + [b.clone() for b in layer.buffers()]


def assert_same(ours: list[Tensor], theirs: list[Tensor], dtype: torch.dtype) -> None:
    tolerance = 1e-9 if dtype == torch.float64 else 2e-4  # fp32: two samples in some
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


def filled(layer: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """The layer with these parameters and buffers in place of its own."""
    for name, tensor in tensors.items():
        if tensor is not None:
            tensor = tensor.detach().clone()
            tensor = nn.Parameter(tensor) if name in ("weight", "bias") else tensor
        setattr(layer, name, tensor)
    return layer


# --------------------------------------------------------------------------------- module samples

MODULES = {m.name.removeprefix("nn."): m for m in modules.module_db if "Norm" in m.name}


def module_samples(name: str, dtype: torch.dtype, train: bool) -> Iterator[tuple[nn.Module, Any]]:
    torch.manual_seed(0)
    info = MODULES[name]
    for sample in info.module_inputs_func(
        info, device="cpu", dtype=dtype, requires_grad=False, training=train
    ):
        made = sample.constructor_input
        theirs = info.module_cls(*made.args, **made.kwargs).to(dtype).train(train)
        for tensor in [*theirs.parameters(), *theirs.buffers()]:
            if tensor.is_floating_point():
                tensor.data.uniform_(0.5, 2)
        yield theirs, sample.forward_input.args[0]


def copied(ours: nn.Module, theirs: nn.Module, x: Tensor) -> nn.Module:
    for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
        if hasattr(theirs, name):
            filled(ours, **{name: getattr(theirs, name)})
    return ours.to(x.dtype).train(theirs.training)


def counterparts(theirs: Any, x: Tensor) -> list[nn.Module] | str:
    """Our layers for one of PyTorch's, or why there is none."""
    if isinstance(theirs, nn.modules.batchnorm._BatchNorm):
        options = (theirs.eps, theirs.momentum, theirs.affine, theirs.track_running_stats)
        return [layer(theirs.num_features, *options) for layer in BATCH_NORMS]
    if isinstance(theirs, nn.modules.instancenorm._InstanceNorm):
        options = (theirs.eps, theirs.momentum, theirs.affine, theirs.track_running_stats)
        layer = InstanceNorm(theirs.num_features, *options)
        if x.ndim == int(type(theirs).__name__[-2]) + 1:
            with pytest.raises(ValueError, match=r"channels|Expected input with"):
                layer.double()(x.double())
            return "no batch"
        return [layer]
    if isinstance(theirs, nn.GroupNorm):
        return [GroupNorm(theirs.num_channels, theirs.num_groups, theirs.eps, theirs.affine)]
    if isinstance(theirs, (nn.LayerNorm, nn.RMSNorm)):
        if len(theirs.normalized_shape) > 1 and theirs.weight is not None:
            return "affine per element"
        ours = LayerNorm if isinstance(theirs, nn.LayerNorm) else RMSNorm
        return [ours(theirs.normalized_shape[0], theirs.eps, theirs.weight is not None)]
    return "another layer"


@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", MODULES)
def test_module_samples(name: str, dtype: torch.dtype, train: bool) -> None:
    count = 0
    for theirs, x in module_samples(name, dtype, train):
        layers = counterparts(theirs, x)
        if isinstance(layers, str):
            continue
        if isinstance(theirs, (nn.LayerNorm, nn.RMSNorm)) and len(theirs.normalized_shape) == 1:
            x = x.reshape(-1, x.shape[-1])  # channels are last in PyTorch's
        layers = [copied(layer, theirs, x) for layer in layers]
        reference = run_module(theirs, x)
        for layer in layers:
            assert_same(run_module(layer, x), reference, dtype)
            count += 1
    assert count or name == "LocalResponseNorm"


def error_samples(name: str) -> list[Any]:
    """What PyTorch's own tests say that a module refuses."""
    info = MODULES[name]
    if info.module_error_inputs_func is None:
        pytest.skip("this PyTorch has no such samples")
    return list(info.module_error_inputs_func(info, "cpu", torch.float32, False, True))


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"])
@pytest.mark.parametrize("layer", [*BATCH_NORMS, BatchRenorm, InstanceNorm, RMSNorm])
def test_batch_norm_error_samples(name: str, layer: type[nn.Module]) -> None:
    for error in error_samples(name):
        made = error.module_error_input.constructor_input
        norm = layer(*made.args, **made.kwargs)
        with pytest.raises(error.error_type, match=error.error_regex):
            norm(error.module_error_input.forward_input.args[0])


def test_group_norm_error_samples() -> None:
    for error in error_samples("GroupNorm"):
        groups, channels = error.module_error_input.constructor_input.args
        with pytest.raises(UserError, match=f"{groups} groups do not divide {channels} channels"):
            GroupNorm(channels, groups)


# ------------------------------------------------------------------------------- operator samples

OPERATORS = {
    op.name.removeprefix("nn.functional."): op
    for op in operators.op_db
    if op.name.endswith(("_norm", "functional.normalize", "_norm_legit", "_norm_with_update"))
    and "linalg" not in op.name
    and "log_normal" not in op.name
}


def operator_samples(name: str, dtype: torch.dtype) -> Iterator[tuple[Tensor, Any, Any]]:
    torch.manual_seed(0)
    for sample in OPERATORS[name].sample_inputs("cpu", dtype):
        yield sample.input, sample.args, sample.kwargs


def left_out(name: str, x: Tensor, args: Any) -> str | None:
    """Why a sample does not apply, if so."""
    if name.lstrip("_").startswith(("native", "batch_norm_")):
        return "another name"
    if name in ("local_response_norm", "normalize"):
        return "another layer"
    if x.ndim < 2:
        return "one dimension"
    if name in ("layer_norm", "rms_norm"):
        if len(args[0]) == x.ndim:
            return "over the batch"
        if len(args[0]) > 1 and args[1] is not None:
            return "affine per element"
    return None


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layer", [*BATCH_NORMS, BatchRenorm])
def test_batch_norm_operator_samples(layer: type[nn.Module], dtype: torch.dtype) -> None:
    count = 0
    for x, (mean, var, weight, bias), kwargs in operator_samples("batch_norm", dtype):
        if left_out("batch_norm", x, (mean, var, weight, bias)):
            continue
        train = kwargs.get("training", False)
        eps = kwargs.get("eps", 1e-5)
        if layer is BatchRenorm:
            if not train or mean is None:
                continue  # its running statistics are others
            ours = filled(BatchRenorm(x.shape[1], eps).to(dtype), weight=weight, bias=bias)
        else:
            ours = layer(x.shape[1], eps, kwargs.get("momentum", 0.1))
            filled(ours, weight=weight, bias=bias, running_mean=mean, running_var=var)
            ours.track_running_stats = mean is not None
        ours.train(train)
        arguments = {k: t.clone() for k, t in (("mean", mean), ("var", var)) if t is not None}
        theirs = results(
            lambda x, a=arguments, w=weight, b=bias, k=kwargs: F.batch_norm(
                x, a.get("mean"), a.get("var"), w, b, **k
            ),
            x,
            *(t.requires_grad_() for t in (weight, bias) if t is not None),
        )
        assert_same(results(ours, x, ours.weight, ours.bias), theirs, dtype)
        if mean is not None and layer is not BatchRenorm:
            assert_same([ours.running_mean, ours.running_var], [*arguments.values()], dtype)
        count += 1
    assert count


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_instance_norm_operator_samples(dtype: torch.dtype) -> None:
    count = 0
    for x, args, kwargs in operator_samples("instance_norm", dtype):
        assert not args
        theirs = {k: v.clone() if isinstance(v, Tensor) else v for k, v in kwargs.items()}
        eps, momentum = kwargs.get("eps", 1e-5), kwargs.get("momentum", 0.1)
        ours = InstanceNorm(x.shape[1], eps, momentum, track_running_stats=True)
        tensors = {k: kwargs.get(k) for k in ("weight", "bias", "running_mean", "running_var")}
        filled(ours, **tensors)
        if tensors["running_mean"] is None:
            ours.track_running_stats = False
        leaves = [
            theirs[k].requires_grad_() for k in ("weight", "bias") if theirs.get(k) is not None
        ]
        expected = results(lambda x, k=theirs: F.instance_norm(x, **k), x, *leaves)
        assert_same(results(ours, x, ours.weight, ours.bias), expected, dtype)
        for name in ("running_mean", "running_var"):
            if tensors[name] is not None:
                assert_same([getattr(ours, name)], [theirs[name]], dtype)
        count += 1
    assert count


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_group_norm_operator_samples(dtype: torch.dtype) -> None:
    count = 0
    for x, (groups,), kwargs in operator_samples("group_norm", dtype):
        ours = GroupNorm(x.shape[1], groups, kwargs.get("eps", 1e-5))
        filled(ours, weight=kwargs.get("weight"), bias=kwargs.get("bias"))
        leaves = [
            kwargs[k].requires_grad_() for k in ("weight", "bias") if kwargs.get(k) is not None
        ]
        expected = results(lambda x, g=groups, k=kwargs: F.group_norm(x, g, **k), x, *leaves)
        assert_same(results(ours, x, ours.weight, ours.bias), expected, dtype)
        count += 1
    assert count


def test_group_norm_operator_error_samples() -> None:
    for error in OPERATORS["group_norm"].error_inputs("cpu"):
        x, (groups,) = error.sample_input.input, error.sample_input.args
        channels = x.shape[1] if x.ndim > 1 else 1
        if channels % groups:
            with pytest.raises(UserError, match="do not divide"):
                GroupNorm(channels, groups)
        else:
            norm = filled(GroupNorm(channels, groups), weight=None, bias=None)
            with pytest.raises(error.error_type, match=error.error_regex):
                norm(x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_layer_and_rms_norm_operator_samples(name: str, dtype: torch.dtype) -> None:
    count = 0
    for x, args, kwargs in operator_samples(name, dtype):
        shape, weight, bias = [*args, None, None][:3]
        if left_out(name, x, args):
            continue
        eps = kwargs.get("eps", 1e-5)
        if name == "layer_norm":
            ours = filled(LayerNorm(shape[0], eps), weight=weight, bias=bias)
            function = F.layer_norm
        else:
            eps = kwargs.get("eps", torch.finfo(dtype).eps)
            ours = filled(RMSNorm(shape[0], eps), weight=weight)
            function = F.rms_norm
        leaves = [t.requires_grad_() for t in (weight, bias) if t is not None]
        expected = results(lambda x, f=function, a=args, k=kwargs: f(x, *a, **k), x, *leaves)
        assert_same(results(ours, x, *ours.parameters()), expected, dtype)
        count += 1
    assert count


def test_nothing_is_left_out_for_another_reason() -> None:
    reasons = {"constructor", "normalized_shape"}  # of the error samples
    for name in MODULES:
        for theirs, x in module_samples(name, torch.float64, train=True):
            layers = counterparts(theirs, x)
            reasons |= {layers} if isinstance(layers, str) else set()
    for name in OPERATORS:
        for x, args, _ in operator_samples(name, torch.float64):
            reasons |= {left_out(name, x, args)} - {None}
    assert reasons == NOT_APPLICABLE.keys()
