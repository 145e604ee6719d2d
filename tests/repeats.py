"""Tests of what goes wrong by chance: once in `make test`, ten times in a row in `make test-all`."""

import pytest

_OTHERS = [pytest.param(number, marks=pytest.mark.long) for number in range(2, 11)]
ten_times = pytest.mark.parametrize("nth", [1, *_OTHERS])
# for those that take minutes
ten_times_in_test_all = pytest.mark.parametrize("nth", [pytest.param(1, marks=pytest.mark.long), *_OTHERS])
