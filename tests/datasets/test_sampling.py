import dataclasses

import numpy as np
import pytest

from hertzian.datasets.dataset import Dataset, DatasetError
from hertzian.datasets.sampling import sample_cells


def _dataset(counts):
    """Windows whose first sample is their row: `counts` of each of two classes at 0 and 10 dB."""
    labels = np.repeat([0, 1, 0, 1], counts)
    levels = np.repeat(np.float32([0, 0, 10, 10]), counts)
    order = np.random.default_rng(3).permutation(len(labels))
    x = np.zeros((len(labels), 2, 4), np.float32)
    x[:, 0, 0] = np.arange(len(labels))
    return Dataset(
        x=x,
        modulation=labels[order],
        snr_db=levels[order],
        group=np.arange(len(labels)),
        modulations=("BPSK", "QPSK"),
        **{"preset": "", "seed": 0, "sample_rate_hz": 1.0, "snr_definition": "", "version": ""},
    )


def test_each_cell_gives_as_many_and_a_small_one_all():
    whole = _dataset((9, 2, 7, 12))
    part = sample_cells(whole, 5)
    cells = list(zip(part.modulation.tolist(), part.snr_db.tolist(), strict=True))
    assert [cells.count(c) for c in ((0, 0.0), (1, 0.0), (0, 10.0), (1, 10.0))] == [5, 2, 5, 5]


def test_windows_keep_their_labels_and_groups():
    whole = dataclasses.replace(
        _dataset((9, 2, 7, 12)), bandwidth_hz=np.arange(1, 31, dtype=np.float32)
    )
    part = sample_cells(whole, 3)
    rows = part.x[0 : len(part)][:, 0, 0].astype(int)
    assert len(set(rows.tolist())) == len(part)
    np.testing.assert_array_equal(part.group, rows)
    np.testing.assert_array_equal(part.modulation, whole.modulation[rows])
    np.testing.assert_array_equal(part.snr_db, whole.snr_db[rows])
    np.testing.assert_array_equal(part.bandwidth_hz, rows + 1)
    assert part.symbol_rate_hz is None
    some = part.x.rows([4, 1])[:, 0, 0]
    np.testing.assert_array_equal(some, rows[[4, 1]])


def test_a_seed_gives_its_own_draw():
    whole = _dataset((40, 40, 40, 40))
    first, again, other = (sample_cells(whole, 10, seed).group for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_less_than_one_is_refused():
    with pytest.raises(DatasetError, match="0 windows of each class and SNR are not possible"):
        sample_cells(_dataset((1, 1, 1, 1)), 0)
