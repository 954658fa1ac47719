import pytest

from bnexp.comparisons.config import load
from bnexp.measurements.counts import measure
from tests.comparisons.judges.rows import judged, measured_by, value, words


@pytest.mark.parametrize("name", ["A12", "A14"])
def test_the_real_layers_have_the_printed_counts(name: str) -> None:
    checks = [(c.name, c.options, measure(0, **c.options)) for c in load(name).measurements]
    assert words(judged(name, measured_by(*checks))) == ["exact"] * 4


def test_a_layer_that_counts_otherwise_is_an_erratum() -> None:
    rows = [("batch", "statistics", 64.0), ("batch", "values_per_statistic", 784.0)]
    rows += [("batch", "gamma", 64.0), ("batch", "beta", 0.0)]
    working = judged("A12", measured_by(("counts", {"norm": "batch"}, rows)))
    assert words(working) == ["erratum", "exact", "exact", "erratum"]
    assert value(working, "values per channel, of the layer") == 784


def test_a_count_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="gamma"):
        judged("A12", measured_by(("counts", {"norm": "batch"}, [
            ("batch", "statistics", 64.0), ("batch", "values_per_statistic", 25088.0)
        ])))  # fmt: skip
