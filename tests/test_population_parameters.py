"""Parameters of populations: distributions, correlations, seeds, tables, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.population.correlations import coefficients, of_normals
from pyhodgkin.population.distribution import Distribution

AXON = ph.library.get("squid_axon")
MANY = 40_000
DISTRIBUTIONS = (
    ph.Normal(mean=2.0, sd=0.2),
    ph.Normal(mean=1.0, cv=0.8, low=0.0),
    ph.Normal(mean=1.0, cv=0.8, low=0.5, high=1.2),
    ph.LogNormal(mean=120.0, cv=0.2),
    ph.LogNormal(mean=0.3, cv=1.5),
    ph.Uniform(10.0, 30.0),
    ph.Empirical([1.0, 2.0, 2.0, 7.0]),
)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_means_and_spreads_are_those_asked_for(distribution):
    cells = ph.Population(AXON, MANY, {"na.g": distribution}, seed=3)
    x = cells["na.g"]
    mean, sd = distribution.moments
    assert abs(x.mean() - mean) < 4.5 * sd / np.sqrt(MANY)
    kurtosis = np.mean((x - x.mean()) ** 4) / np.var(x) ** 2
    assert abs(x.std() / sd - 1.0) < 4.5 * np.sqrt(max(kurtosis - 1.0, 0.1) / (4.0 * MANY))
    assert Distribution.from_dict(distribution.to_dict()) == distribution


def test_quantiles_are_those_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    z = np.linspace(-5, 5, 101)
    u = stats.norm.cdf(z)
    cut = ph.Normal(mean=1.0, sd=0.8, low=0.5, high=1.2)
    a, b = (0.5 - 1.0) / 0.8, (1.2 - 1.0) / 0.8
    np.testing.assert_allclose(cut.of_normal(z), stats.truncnorm(a, b, 1.0, 0.8).ppf(u), rtol=1e-8)
    log = ph.LogNormal(mean=120.0, cv=0.3)
    s = np.sqrt(np.log1p(0.09))
    truth = stats.lognorm(s, scale=120.0 * np.exp(-(s**2) / 2))
    np.testing.assert_allclose(log.of_normal(z), truth.ppf(u), rtol=1e-7)
    assert log.moments == pytest.approx((truth.mean(), truth.std()))


PAIRS = {
    "log-normal": (ph.LogNormal(cv=0.3), ph.LogNormal(cv=0.6), 0.6),
    "opposite": (ph.LogNormal(cv=0.2), ph.LogNormal(cv=0.2), -0.5),
    "mixed": (ph.Normal(cv=0.05), ph.Uniform(spread=0.3), 0.8),
    "measured": (ph.Empirical([1.0, 2.0, 4.0]), ph.LogNormal(cv=0.5), 0.4),
}


@pytest.mark.parametrize("name", PAIRS)
def test_correlations_are_those_asked_for(name):
    first, second, wanted = PAIRS[name]
    vary = {"na.g": first, "k.g": second, "l.g": ph.LogNormal(cv=0.2)}
    cells = ph.Population(AXON, MANY, vary, correlations={("k.g", "na.g"): wanted}, seed=5)
    found = np.corrcoef([cells[name] for name in vary])
    assert abs(found[0, 1] - wanted) < 0.02
    assert np.abs(found[2, :2]).max() < 0.02


def test_the_correlation_of_normal_numbers_behind_a_log_normal_pair_has_a_closed_form():
    a, b = ph.LogNormal(mean=1.0, cv=0.3), ph.LogNormal(mean=5.0, cv=0.6)
    rho = of_normals(coefficients(a), coefficients(b), 0.6, ("a", "b"))
    truth = np.log1p(0.6 * 0.3 * 0.6) / np.sqrt(np.log1p(0.09) * np.log1p(0.36))
    assert rho == pytest.approx(truth, abs=1e-10)


def test_a_seed_gives_the_same_cells_however_many_there_are_and_whatever_else_varies():
    one = ph.Population(AXON, 10_000, {"na.g": ph.LogNormal(cv=0.2)}, seed=7)
    more = ph.Population(
        AXON, 12_345, {"k.g": ph.Uniform(spread=0.2), "na.g": ph.LogNormal(cv=0.2)}, seed=7
    )
    assert np.array_equal(one["na.g"], more["na.g"][:10_000])
    assert np.array_equal(more.values(4000, 9000)["k.g"], more["k.g"][4000:9000])
    assert np.array_equal(one.with_n(20)["na.g"], one["na.g"][:20])
    other = ph.Population(AXON, 10_000, {"na.g": ph.LogNormal(cv=0.2)}, seed=8)
    assert not np.array_equal(one["na.g"], other["na.g"])
    drawn = ph.Population(AXON, 5, {"na.g": ph.LogNormal(cv=0.2)})
    again = ph.Population(AXON, 5, {"na.g": ph.LogNormal(cv=0.2)}, seed=drawn.seed)
    assert np.array_equal(drawn["na.g"], again["na.g"])


def test_the_cells_of_any_part_are_bit_equal_with_correlations():
    vary = {"na.g": ph.LogNormal(cv=0.2), "k.g": ph.LogNormal(cv=0.2), "l.g": ph.Normal(cv=0.1)}
    matrix = [[1.0, 0.7, 0.2], [0.7, 1.0, 0.1], [0.2, 0.1, 1.0]]
    cells = ph.Population(AXON, 9000, vary, correlations=matrix, seed=1)
    whole = cells.theta()
    for start, stop in ((0, 1), (17, 18), (4090, 4100), (5000, 9000)):
        assert np.array_equal(cells.theta(start, stop), whole[start:stop])
    assert np.array_equal(cells.cell(17).theta, whole[17])


def test_groups_and_patterns_vary_each_parameter_by_itself():
    cells = ph.Population(AXON, 2000, {"conductances": ph.LogNormal(cv=0.1)}, seed=1)
    assert cells.varied == ("k.g", "na.g", "l.g")
    assert abs(np.corrcoef(cells["na.g"], cells["k.g"])[0, 1]) < 0.1
    assert "3 parameters vary" in repr(cells)


def test_from_a_table_each_cell_has_its_measured_values(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("cell,na.g,k.g\na, 110.5,33\nb,120,3.6e1\nc,131,38\n")
    cells = ph.Population.from_table(AXON, path)
    assert cells.names == ("a", "b", "c") and len(cells) == 3
    assert cells["na.g"].tolist() == [110.5, 120.0, 131.0] and cells["l.g"].tolist() == [0.3] * 3
    frame = cells.to_pandas()
    assert frame.loc["b", "k.g"] == 36.0
    again = ph.Population.from_table(AXON, frame.reset_index())
    assert again.names == cells.names and np.array_equal(again["k.g"], cells["k.g"])


def test_cells_drawn_from_a_table_have_its_values_and_correlation():
    rng = np.random.default_rng(0)
    na = rng.normal(120, 10, 40)
    table = {"na.g": na, "k.g": 0.3 * na + rng.normal(0, 2, 40), "l.g": np.full(40, 0.4)}
    cells = ph.Population.from_table(AXON, table, n=20_000, seed=1)
    assert set(cells["na.g"]) == set(na) and set(cells["l.g"]) == {0.4}
    wanted = np.corrcoef(table["na.g"], table["k.g"])[0, 1]
    assert abs(np.corrcoef(cells["na.g"], cells["k.g"])[0, 1] - wanted) < 0.02


BAD = [
    ({"na.g": ph.Normal(cv=0.5)}, "cut it off"),
    ({"na.g": ph.Uniform(-1.0, 3.0)}, "cut it off"),
    ({"c_m": ph.Normal(mean=0.0, sd=1.0)}, "c_m"),
    ({"na.g": np.ones(3)}, "shape"),
    ({"na.g": -1.0}, "-1"),
    ({"na.g": np.nan}, "nan"),
    ({"na.g": "wide"}, "LogNormal"),
    ({"na.g": ph.LogNormal(cv=0.1), "*.g": ph.LogNormal(cv=0.1)}, "twice"),
    ({"na.e": ph.LogNormal(cv=0.1), "k.e": ph.LogNormal(cv=0.1)}, "not positive"),
]


@pytest.mark.parametrize(("vary", "text"), BAD)
def test_impossible_parameters_are_refused_at_once(vary, text):
    with pytest.raises(InputError, match=text):
        ph.Population(AXON, 100, vary, seed=1)


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "10"])
def test_a_number_of_cells_that_is_none_is_refused(n):
    with pytest.raises(InputError, match="n ="):
        ph.Population(AXON, n, {})


@pytest.mark.parametrize("seed", [-1, 1.5, "one", True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(InputError, match="seed"):
        ph.Population(AXON, 3, {}, seed=seed)


def test_unknown_names_come_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"na\.g"):
        ph.Population(AXON, 3, {"na.gg": ph.LogNormal(cv=0.1)})
    vary = {"na.g": ph.LogNormal(cv=0.1), "k.g": ph.LogNormal(cv=0.1)}
    with pytest.raises(UnknownNameError, match=r"l\.g"):
        ph.Population(AXON, 3, vary, correlations={("na.g", "l.g"): 0.5})


CORRELATIONS = [
    ({("na.g", "k.g"): 1.5}, "from -1 to 1"),
    ({("na.g", "k.g"): -0.99}, "can have correlations"),
    ({("na.g", "na.g"): 0.5}, "two different"),
    (np.eye(2), "shape"),
    ([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]], "eigenvalue|can have"),
    ([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]], "symmetric"),
]


@pytest.mark.parametrize(("correlations", "text"), CORRELATIONS)
def test_impossible_correlations_are_refused(correlations, text):
    vary = {name: ph.LogNormal(cv=0.8) for name in ("na.g", "k.g", "l.g")}
    with pytest.raises(InputError, match=text):
        ph.Population(AXON, 3, vary, correlations=correlations)


TABLES = [
    ("cell,na.g\na,1\na,2\n", "twice"),
    ("na.g,k.g\n1,2\n3,\n", "cell 2"),
    ("na.g\n1\nmany\n", '"many"'),
    ("na.g;k.g\n1;2\n", "semicolons"),
    ("na.g\n", "no values"),
    ("cell\na\n", "no parameter"),
    ("na.q\n1\n", r"na\.g"),
    ("na.g\n-4\n", "-4"),
]


@pytest.mark.parametrize(("text", "message"), TABLES)
def test_tables_that_cannot_be_taken_are_refused(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        ph.Population.from_table(AXON, path)


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        ph.Population.from_table(AXON, tmp_path / "none.csv")
