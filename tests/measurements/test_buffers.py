"""Bytes counted by hand."""

from bnexp.measurements.buffers import measure

WIDTHS = 16 + 32 + 64 + 64  # of cnn_small: three convolutions, one hidden linear layer


def test_batch_norm_keeps_two_values_a_channel_and_a_count_a_layer() -> None:
    found = {(norm, name): value for norm, name, value in measure(0)}
    assert found["none", "buffer_bytes"] == 0
    assert found["batch", "buffer_bytes"] == 2 * 4 * WIDTHS + 4 * 8
    extra = found["batch", "parameter_bytes"] - found["none", "parameter_bytes"]
    assert extra == 2 * 4 * WIDTHS


def test_layer_norm_keeps_nothing() -> None:
    assert ("layer", "buffer_bytes", 0.0) in measure(0, norms=["layer"])
