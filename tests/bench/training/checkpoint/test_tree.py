"""Values become JSON and tensors, and come back as they were."""

import json
import random
from collections import OrderedDict

import numpy as np
import pytest
import torch

from bench.training.checkpoint.tree import SMALL, Tensors, Unsaveable, flatten, poured, rebuild
from methods import Gramian
from methods._estimates import ExponentialMean


def there_and_back(value: object) -> object:
    tensors = Tensors()
    return rebuild(json.loads(json.dumps(flatten(value, tensors))), dict(tensors))


def same(left: object, right: object) -> bool:
    """Of the same types and bits, NaN included."""
    return type(left) is type(right) and repr(flatten_of(left)) == repr(flatten_of(right))


def flatten_of(value: object) -> object:
    tensors = Tensors()
    return flatten(value, tensors), [(name, each.dtype, each.tolist()) for name, each in tensors.items()]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -0.0,
        1e-310,
        0.1 + 0.2,
        float("inf"),
        2**70,
        "a \u2028 \x00 text",
        [],
        [1, (2, (3, [None]))],
        {"a": 1, 2: {"b": (1.5,)}},
        {"tensor": ["0", "cpu"], "dict": []},  # what the format itself says
        random.Random(0).getstate(),
        np.arange(700, dtype=np.uint32),
        torch.float16,
        torch.device("cpu"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_plain_values(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 5), (SMALL + 1,), (9, 11)])
def test_tensors_of_any_size_and_type(dtype, shape):
    value = (torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3).to(dtype)
    back = there_and_back([value])[0]
    assert back.dtype == dtype
    assert back.shape == value.shape
    assert torch.equal(back, value)


def test_numbers_that_are_none():
    value = torch.tensor([float("nan"), float("inf"), -0.0])
    back = there_and_back(value)
    assert str(back) == str(value)


def test_tensors_that_share_a_storage_do_not_share_it_in_the_file():
    base = torch.arange(400.0)
    value = {"base": base, "view": base[100:300], "turned": base.view(20, 20).T, "again": base}
    tensors = Tensors()
    flatten(value, tensors)
    assert len({each.data_ptr() for each in tensors.values()}) == 4
    assert all(each.is_contiguous() for each in tensors.values())
    back = there_and_back(value)
    assert all(torch.equal(back[name], value[name]) for name in value)


def test_a_dataclass_comes_back_as_one():
    mean = ExponentialMean.of(3)
    assert same(there_and_back(mean), mean)
    back = there_and_back(Gramian(torch.eye(2)))
    assert isinstance(back, Gramian)
    assert torch.equal(back.norms, torch.ones(2))


def test_a_module_is_poured_into_a_fresh_one():
    def fresh() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))

    used = fresh()
    used(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)))
    back = poured({"module": fresh(), "count": 0}, there_and_back({"module": used, "count": 4}))
    assert back["count"] == 4
    assert all(torch.equal(back["module"].state_dict()[name], each) for name, each in used.state_dict().items())
    with pytest.raises(ValueError, match="Linear is no Sequential"):
        poured({"module": torch.nn.Linear(1, 1)}, there_and_back({"module": used}))


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, b"bytes", np.float64(1), lambda: 1, range(3)], ids=lambda value: type(value).__name__
)
def test_anything_else_is_refused_and_named(value):
    with pytest.raises(Unsaveable, match=type(value).__name__):
        flatten([value], Tensors())


def test_an_ordered_dictionary_is_a_dictionary():
    assert there_and_back(OrderedDict(a=1)) == {"a": 1}


@pytest.mark.parametrize(
    "tree",
    [
        {"data": ["os", "system", {"dict": []}]},
        {"data": ["pathlib", "Path", {"dict": []}]},
        {"data": ["methods._base", "Gramian", {"dict": [["other", 1]]}]},
        {"data": ["not_loaded", "Thing", {"dict": []}]},
        {"tensor": ["7", "cpu"]},
        {"dtype": "save"},
        {"code": "1"},
        {"tuple": [1], "dict": []},
        {},
    ],
    ids=str,
)
def test_what_flatten_did_not_make_is_refused_and_nothing_is_run(tree):
    with pytest.raises((ValueError, TypeError, LookupError)):
        rebuild(tree, {})
