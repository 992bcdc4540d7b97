"""The distributions beside scipy's own, and the imports that they save."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from bench.analysis import distributions


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 200])
def test_quantiles_and_tails_are_those_of_scipy(freedom: int):
    levels = np.array([0.001, 0.3, 0.5, 0.975, 0.9999])
    for level in levels.tolist():
        value = stats.t.ppf(level, freedom)
        assert distributions.student_quantile(level, freedom) == pytest.approx(value, rel=1e-9, abs=1e-12)
        assert distributions.student_tail(value, freedom) == pytest.approx(1 - level, rel=1e-9)
    expected = stats.chi2.ppf(levels, freedom)
    assert distributions.chi_squared_quantiles(levels, freedom) == pytest.approx(expected, rel=1e-9)


def test_the_normal_distribution_is_that_of_scipy():
    values = np.linspace(-8, 8, 33)
    assert distributions.normal_below(values) == pytest.approx(stats.norm.cdf(values), rel=1e-12)


@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0], [1.0, 1.0, 0.0, 1.0], [5.0], [[1.0, 2.0], [1.0, 1.0], [0.0, 3.0]]])
def test_ranks_are_those_of_scipy(values: list):
    assert distributions.ranks(values).tolist() == stats.rankdata(values, axis=0).tolist()


def test_the_analysis_does_without_scipy_stats():
    """Which takes longer to import than all else that a terminal command needs."""
    code = "import sys, bench.analysis.board, bench.analysis.reports; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
