"""Spike trains: pairs of spikes, and the coincidence factor."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from traces import T, spiky

from pyhodgkin.numerics.spikes import coincidence_factor, match, upward_crossings


def test_matches_are_as_many_as_can_be_and_the_closest():
    assert match([10.0, 30.0], [8.5, 10.1], 2.0).tolist() == [[0, 1]]
    # The closest pair alone (10.5 with 10) would leave the other two unmatched.
    assert match([8.0, 10.5], [10.0, 12.0], 2.0).tolist() == [[0, 0], [1, 1]]
    assert match([10.0], [12.0], 2.0).tolist() == [[0, 0]]
    assert match([10.0], [12.001], 2.0).shape == (0, 2)
    assert match([], [1.0], 2.0).shape == match([], [], 2.0).shape == (0, 2)


def test_two_pairs_are_better_than_the_nearest_one():
    # The nearest first would pair 13 with 12 only.
    assert match([10.0, 13.0], [12.0, 14.5], 2.5).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("seed", range(40))
def test_matches_are_the_best_of_all_pairings(seed):
    rng = np.random.default_rng(seed)
    a, b = (np.sort(rng.uniform(0.0, 20.0, rng.integers(1, 6))) for _ in range(2))
    window = rng.uniform(0.5, 6.0)
    found = match(a, b, window)
    best = (0, 0.0)
    for k in range(1, min(len(a), len(b)) + 1):
        for i in combinations(range(len(a)), k):
            for j in combinations(range(len(b)), k):
                apart = np.abs(a[list(i)] - b[list(j)])
                if apart.max() <= window:
                    best = min(best, (-k, float(apart.sum())))
    assert len(found) == -best[0]
    total = np.abs(a[found[:, 0]] - b[found[:, 1]]).sum()
    assert total == pytest.approx(best[1]) and (np.diff(found, axis=0) > 0).all()


def test_gamma_by_hand():
    # One of two coincides; chance: 2 · 0.02/ms · 2 ms · 2 spikes = 0.16, norm 1 - 0.08.
    assert coincidence_factor([10, 30], [11, 70], 100.0, 2.0) == pytest.approx(0.84 / 2 / 0.92)
    # Three predicted: chance 2 · 0.03 · 2 · 2 = 0.24, norm 1 - 0.12, mean number 2.5.
    found = coincidence_factor([10, 30], [11, 31, 70], 100.0, 2.0)
    assert found == pytest.approx((2 - 0.24) / 2.5 / 0.88)


@pytest.mark.parametrize("window", [0.5, 2.0, 4.0])
def test_gamma_of_identical_trains_is_one(window):
    train = [10.0, 13.0, 40.0, 41.5]
    assert coincidence_factor(train, train, 100.0, window) == pytest.approx(1.0)


def test_gamma_of_unrelated_poisson_trains_is_about_zero():
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0.0, 2e5, rng.poisson(2000))) for _ in range(4)]
    found = [coincidence_factor(a, b, 2e5) for a in trains for b in trains if a is not b]
    assert abs(np.mean(found)) < 0.01 and np.max(np.abs(found)) < 0.03


def test_gamma_where_there_are_no_spikes_or_too_many():
    assert coincidence_factor([], [], 100.0) == 1.0
    assert coincidence_factor([5.0], [], 100.0) == coincidence_factor([], [5.0], 100.0) == 0.0
    train = np.arange(0.0, 100.0, 4.0)
    assert math.isnan(coincidence_factor(train, train, 100.0, 2.0))


def test_trains_that_avoid_each_other_are_below_zero():
    assert coincidence_factor(np.arange(5, 100, 10), np.arange(0, 100, 10), 100.0) < -0.1


def test_noise_on_a_crossing_is_one_spike():
    v = spiky([20.0, 60.0])
    v[202] = -1.0  # falls through the threshold again on the way up
    assert len(upward_crossings(T, v)) == 3
    assert upward_crossings(T, v, dead_time=1.0) == pytest.approx([20.0, 60.0], abs=0.1)
