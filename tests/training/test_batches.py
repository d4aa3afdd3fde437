import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hertzian.signal import HertzianError
from hertzian.training import ArrayDataset, EpochBatches, batch_loader


def _shards(*sizes):
    first, shards = 0, []
    for size in sizes:
        number = np.arange(first, first + size)
        x = np.broadcast_to(number[:, None, None], (size, 2, 4)).astype(np.float16)
        shards.append((x, number.astype(np.uint8)))
        first += size
    return ArrayDataset(shards)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 12), st.integers(0, 99))
def test_each_epoch_shows_each_example_at_most_once(sizes, batch_size, seed):
    data = _shards(*sizes)
    batch_size = min(batch_size, len(data))
    seen = []
    for x, labels in batch_loader(data, batch_size, seed):
        assert x.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert len(labels) == batch_size
        assert torch.equal(x[:, 1, 3], labels.float())  # windows and labels stay together
        seen += labels.tolist()
    assert len(set(seen)) == len(seen) == len(data) // batch_size * batch_size


def test_without_a_seed_all_examples_come_in_order():
    batches = [labels.tolist() for _, labels in batch_loader(_shards(3, 4), 3, None)]
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]


def test_epochs_differ_and_come_again_with_their_seed():
    def order(epoch, seed=5):
        sampler = EpochBatches(100, 10, seed)
        sampler.set_epoch(epoch)
        return np.concatenate(list(sampler)).tolist()

    assert order(0) != order(1)
    assert order(1) == order(1)
    assert order(1) != order(1, seed=6)


def test_memory_maps_are_read_in_place(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2, 8)).astype(np.float16)
    np.save(tmp_path / "x.npy", x)
    data = ArrayDataset([(np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(50))])
    rows = np.array([3, 4, 40])
    windows, labels = data[rows]
    assert np.array_equal(windows.numpy(), x[rows].astype(np.float32))
    assert labels.tolist() == [3, 4, 40]


@pytest.mark.parametrize("shape", [(5, 3, 4), (5, 8), (4, 2, 4)])
def test_shapes_that_do_not_belong_together_are_refused(shape):
    with pytest.raises(HertzianError, match=r"part 0: expected x \[n, 2, samples\]"):
        ArrayDataset([(np.zeros(shape), np.zeros(5, dtype=int))])


def test_no_data_is_refused():
    with pytest.raises(HertzianError, match="at least one pair"):
        ArrayDataset([])
