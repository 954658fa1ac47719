import pytest

from bnexp import measurements
from bnexp.errors import UserError


def by_name(name: str, **options: object) -> dict[tuple[str, str], float]:
    rows = measurements.run(name, 0, options)["measures"]
    return {(layer, what): value for _, layer, what, value in rows}


def test_an_unknown_measurement_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match=r"measurement nonsense: no such one; known are accumulation, "
    ):
        measurements.run("nonsense", 0, {})


def test_refusals() -> None:
    rows = measurements.run("refusals", 0, {})["measures"]
    raised = {name: (value, layer) for _, layer, name, value in rows}
    for name, message in {
        "batch_of_one": "ValueError: Expected more than 1 value per channel when training",
        "images_in_1d": "ValueError: expected 2D or 3D input (got 4D input)",
        "vectors_in_2d": "ValueError: expected 4D input (got 2D input)",
        "one_sample_in_eval_untracked": "ValueError: Expected more than 1 value per channel",
    }.items():
        value, text = raised[name]
        assert value == 1
        assert text.startswith(message)
    refuses = {layer: value for _, layer, name, value in rows if name == "raises"}
    assert refuses == {"BatchNorm1d": 1, "BatchNorm2d": 0, "LayerNorm": 0, "GroupNorm": 0}
    assert raised["difference_from_instance_norm"][0] == pytest.approx(0, abs=1e-6)


def test_accumulated_batches_are_one_batch_to_all_but_batch_norm() -> None:
    found = by_name("accumulation", batch_size=12, parts=3)
    assert found["batch", "gradient_difference"] > 0.05
    assert found["batch", "samples_per_statistic"] == 4
    for norm in ("layer", "group"):
        assert found[norm, "gradient_difference"] < 1e-12
        assert found[norm, "samples_per_statistic"] == 1
    assert by_name("accumulation", parts=1)["batch", "gradient_difference"] == 0
