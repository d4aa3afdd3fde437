"""What leaks across a split: windows, and channels, that training and held-out parts share."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hertzian.datasets import coherence, nearest, overlaps
from hertzian.datasets.dataset import Dataset, DatasetError
from hertzian.datasets.overlaps import Overlaps, find_overlaps
from hertzian.datasets.splits import MIXED, RANDOM, Split, check_split, missing_cells
from hertzian.datasets.strata import Advance, Cells, Int64, find_cells, read_rows, sample_rows
from hertzian.datasets.twins import corrected_twin, has_one_channel

STEPS = 100.0
"""What the calls of `advance` add up to."""

GROUPS = "groups in both"
DUPLICATES = "exact duplicates"
OVERLAPS = "overlapping windows"
NEAR = "near duplicates"
CHANNEL = "shared channel"

TRAIN, HELD, NEITHER = 0, 1, -1

_READING, _SEARCHING = 20.0, 50.0
_RUN = 4096  # windows of a cell that stay together where a sample is drawn
_SPAN_DB = 8.0  # SNRs below a class's highest at which its phases are looked at
_PHASES_TRAIN, _PHASES_HELD = 2800, 1200
_LEAST_CHANCE = 1e-99  # that is told
_NEAREST_HELD = 150
_NEAREST_WORK = 6e8  # multiplications at each shift, all classes together

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Finding:
    """What was found of one kind of leak.

    Attributes:
        kind: `GROUPS`, `DUPLICATES`, `OVERLAPS`, `NEAR` or `CHANNEL`.
        found: whether it leaks; None where it could not be looked at.
        verdict: one line, with the number.
        advice: what to do about it, in one line; None where there is nothing to do.
        measured: the numbers behind the verdict.
    """

    kind: str
    found: bool | None
    verdict: str
    advice: str | None = None
    measured: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """The leaks of a split.

    Attributes:
        windows: of the dataset.
        looked_at: windows that were compared for shared samples; fewer in a sample.
        cells, cells_looked_at: (class, SNR) cells in all, and those of the sample.
        train: name of the part that is trained on.
        parts: name -> number of windows.
        missing_cells: name -> (class, SNR) cells that have no window in this part.
        left_out: windows in no part.
        rule, seed, split_hash: of the split.
        findings: one for each kind.
    """

    windows: int
    looked_at: int
    cells: int
    cells_looked_at: int
    train: str
    parts: dict[str, int]
    missing_cells: dict[str, int]
    left_out: int
    rule: str
    seed: int
    split_hash: str
    findings: tuple[Finding, ...]

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        return asdict(self)


def audit(dataset: Dataset, made: Split, seed: int = 0, advance: Advance | None = None) -> Audit:
    """Measure what leaks from the training part into all others together.

    The part that is trained on is the one called train, or the first. Up to 2^18 windows or 2^25
    samples are compared with each other; of a larger dataset, whole cells are drawn, up to 4096
    neighbours of each. Phases and nearest windows are taken of each class's highest SNRs, up to
    2800 training and 1200 held-out windows.

    Args:
        dataset: what was split.
        made: the split.
        seed: of the samples that are drawn.
        advance: called with the steps done since the last call, `STEPS` in all.

    Raises:
        DatasetError: the split is of another dataset, or has nothing to compare.
    """
    check_split(made, dataset)
    tell = advance or (lambda steps: None)
    train = "train" if "train" in made.parts else next(iter(made.parts))
    side = np.full(len(dataset), NEITHER, np.int8)
    for name, rows in made.parts.items():
        side[rows] = TRAIN if name == train else HELD
    if not (side == TRAIN).any() or not (side == HELD).any():
        raise DatasetError("the split has an empty training or held-out part: nothing to compare")
    cells = find_cells(dataset)
    most = max(2, min(overlaps.MOST_WINDOWS, overlaps.MOST_SAMPLES // dataset.x.shape[2]))
    rows = sample_rows(cells, most, _RUN, seed)
    looked_at = rows[side[rows] != NEITHER]
    x = read_rows(dataset.x, looked_at, lambda share: tell(_READING * share))
    shared = find_overlaps(x, lambda share: tell(_SEARCHING * share))
    del x
    copies = _copies(dataset, made, shared, side[looked_at])
    phases, distances = _compare_classes(dataset, cells, side, seed, tell)
    overlapping = any(one.found for one in copies)
    if overlapping:
        # neighbours with samples in common agree, whatever their channels
        phases = [test for test in phases if test.between == coherence.PARTS]
    return Audit(
        windows=len(dataset),
        looked_at=len(looked_at),
        cells=len(cells),
        cells_looked_at=len(np.unique(cells.index[looked_at])),
        train=train,
        parts={name: len(rows) for name, rows in made.parts.items()},
        missing_cells=missing_cells(dataset, made),
        left_out=len(made.left_out),
        rule=made.rule,
        seed=made.seed,
        split_hash=made.hash,
        findings=(
            _groups(dataset, made, side),
            *copies,
            _near(distances, dataset.x.shape[2]),
            _channel(dataset, made, phases, overlapping),
        ),
    )


# --- samples in common --------------------------------------------------------------------------


def _groups(dataset: Dataset, made: Split, side: Int8) -> Finding:
    rows = np.flatnonzero(dataset.group != MIXED)
    names, group = np.unique(dataset.group[rows], return_inverse=True)
    parts = np.zeros(len(names), np.int64)
    for members in made.parts.values():
        inside = np.zeros(len(dataset), np.bool_)
        inside[members] = True
        parts += np.bincount(group[inside[rows]], minlength=len(names)) > 0
    trained = np.bincount(group[side[rows] == TRAIN], minlength=len(names)) > 0
    held = side[rows] == HELD
    leaking = int(trained[group[held]].sum())
    mixed = int(np.sum((dataset.group == MIXED) & (side != NEITHER)))
    share = leaking / int(np.sum(side == HELD))
    measured = {
        **{"groups": len(names), "groups_in_two_parts": int(np.sum(parts > 1))},
        **{"held_out_windows": leaking, "share": share, "windows_of_two_groups": mixed},
    }
    if not (parts > 1).any() and not mixed:
        return Finding(GROUPS, False, f"none of {len(names):,} groups", measured=measured)
    told = f"{int(np.sum(parts > 1)):,} of {len(names):,} groups; {_percent(share)} of held-out"
    told += " windows are of a group that is trained on"
    if mixed:
        told += f"; {mixed:,} windows that share samples with two groups are in a part"
    advice = "split by group"
    if len(names) == 1:
        advice = "all windows are one group: number groups by their place in the stream"
        if has_one_channel(dataset.preset):
            advice = f"all windows went through one channel: {_one_channel_advice(dataset, made)}"
    return Finding(GROUPS, True, told, advice, measured)


def _copies(dataset: Dataset, made: Split, shared: Overlaps, side: Int8) -> tuple[Finding, Finding]:
    samples, total = dataset.x.shape[2], int(np.sum(side == HELD))
    if samples <= overlaps.SHORTEST_RUN:
        why = f"not looked at: windows of {samples} samples are too short to tell"
        return Finding(DUPLICATES, None, why), Finding(OVERLAPS, None, why)
    if total in (0, len(side)):
        why = "not looked at: the cells that were drawn lie in one part"
        return Finding(DUPLICATES, None, why), Finding(OVERLAPS, None, why)
    return _duplicates(shared, side, samples), _overlapping(dataset, made, shared, side)


def _duplicates(shared: Overlaps, side: Int8, samples: int) -> Finding:
    whole = shared.shared == samples
    copied = _with_train(shared.first[whole], shared.second[whole], side)
    total, count = int(np.sum(side == HELD)), int(np.sum(copied & (side == HELD)))
    measured = {"held_out_windows": count, "share": count / total, **_spared(shared)}
    if not count:
        told = f"none of {total:,} held-out windows"
        judged = bool(np.any(~shared.bare & ~shared.recurring))
        return Finding(DUPLICATES, False if judged else None, told, None, measured)
    told = f"{_percent(count / total)} of held-out windows ({count:,} of {total:,}) are copies of "
    told += "training windows, up to scale and phase"
    advice = "remove the copies, or give all copies of a window one group"
    return Finding(DUPLICATES, True, told, advice, measured)


def _overlapping(dataset: Dataset, made: Split, shared: Overlaps, side: Int8) -> Finding:
    samples, total = dataset.x.shape[2], int(np.sum(side == HELD))
    longest = np.zeros(len(side), np.int64)
    for one, other in ((shared.first, shared.second), (shared.second, shared.first)):
        across = (shared.shared < samples) & (side[one] == HELD) & (side[other] == TRAIN)
        np.maximum.at(longest, one[across], shared.shared[across])
    count = int(np.sum(longest > 0))
    mean = float(longest[longest > 0].mean()) if count else 0.0
    told = f"none of {total:,} held-out windows"
    if count:
        told = f"{_percent(count / total)} of held-out windows ({count:,} of {total:,}) share "
        told += f"{mean:.0f} of {samples} samples with a training window on average"
    spared = _spared(shared)
    bare, recurring = spared.values()
    reasons = [f"{bare:,} without content"] * bool(bare)
    reasons += [f"{recurring:,} that repeat themselves without noise"] * bool(recurring)
    if reasons:
        told += f"; windows not judged: {', '.join(reasons)}"
    measured = {"held_out_windows": count, "share": count / total, "mean_shared_samples": mean}
    found = bool(count) if count or bare + recurring < len(side) else None
    advice = _overlap_advice(dataset, made) if count else None
    return Finding(OVERLAPS, found, told, advice, measured | spared)


def _spared(shared: Overlaps) -> dict[str, int]:
    return {
        "windows_without_content": int(shared.bare.sum()),
        "windows_that_recur": int(shared.recurring.sum()),
    }


def _overlap_advice(dataset: Dataset, made: Split) -> str:
    several = len(np.unique(dataset.group[dataset.group != MIXED])) > 1
    if made.rule == RANDOM and several:
        return "split by group instead of at random"
    return (
        "give the blocks of a stream groups of their own, -1 to windows across two blocks, "
        "and split by group"
    )


def _with_train(first: Int64, second: Int64, side: Int8) -> npt.NDArray[np.bool_]:
    """Tell which windows have a copy in training, also through other copies."""
    pairs = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(len(side),) * 2)
    count, family = connected_components(pairs, directed=False)
    trained = np.zeros(count, np.bool_)
    trained[family[side == TRAIN]] = True
    several = np.bincount(family, minlength=count) > 1
    copied: npt.NDArray[np.bool_] = (trained & several)[family]
    return copied


# --- alike, and alike channels ------------------------------------------------------------------


def _compare_classes(
    dataset: Dataset, cells: Cells, side: Int8, seed: int, tell: Advance
) -> tuple[list[coherence.Coherence], list[nearest.Nearest]]:
    random = np.random.default_rng([seed, 1])
    group = _realisations(dataset)
    phases: list[coherence.Coherence] = []
    distances: list[nearest.Nearest] = []
    samples = dataset.x.shape[2]
    work = _NEAREST_WORK / (samples * len(cells.names))
    for place, name in enumerate(cells.names):
        train, held = _loudest(cells, side, place, float(random.uniform()))
        tell((STEPS - _READING - _SEARCHING) / len(cells.names))
        if not len(train) or not len(held):
            continue
        # of the loudest cell, which both lists begin with
        x_train, x_held = (_read_unsorted(dataset, rows) for rows in (train, held))
        phases += coherence.compare(
            name,
            coherence.Part(x_train, group[train], train, cells.index[train]),
            coherence.Part(x_held, group[held], held, cells.index[held]),
        )
        if samples >= nearest.SHORTEST_WINDOW:
            scale = min(1.0, (work / (len(train) * min(len(held), _NEAREST_HELD))) ** 0.5)
            some = max(1, int(scale * min(len(held), _NEAREST_HELD)))
            most = max(1, int(scale * len(train)))
            distances.append(nearest.find_nearest(x_train[:most], x_held[:some]))
    return phases, distances


def _realisations(dataset: Dataset) -> Int64:
    """Return groups for the phases: a window of no known realisation is one of its own."""
    own = np.arange(len(dataset), dtype=np.int64)
    known = dataset.group != MIXED
    names, place = np.unique(dataset.group, return_inverse=True)
    if len(names) - (MIXED in names) <= 1:
        return own
    return np.where(known, place, len(names) + own).astype(np.int64)


def _loudest(cells: Cells, side: Int8, place: int, start: float) -> tuple[Int64, Int64]:
    """Return training and held-out windows of a class, of its highest SNR first."""
    own = np.flatnonzero(cells.class_of == place)
    level = np.nan_to_num(cells.snr_db[own], nan=-np.inf)
    order = own[np.argsort(-level, kind="stable")]
    top = cells.snr_db[order[0]]
    chosen: list[list[Int64]] = [[], []]
    for cell in order:
        if cells.snr_db[cell] < top - _SPAN_DB:
            break
        rows = cells.rows(int(cell))
        for part, most in ((TRAIN, _PHASES_TRAIN), (HELD, _PHASES_HELD)):
            inside = rows[side[rows] == part]
            count = min(len(inside), most - sum(map(len, chosen[part])))
            # at the same place of both parts, so that neighbours in the file stay together
            first = int(start * (len(inside) - count + 1))
            chosen[part].append(inside[first : first + count])
    return np.concatenate(chosen[TRAIN]), np.concatenate(chosen[HELD])


def _read_unsorted(dataset: Dataset, rows: Int64) -> npt.NDArray[np.complex64]:
    order = np.argsort(rows)
    x = np.empty((len(rows), dataset.x.shape[2]), np.complex64)
    x[order] = read_rows(dataset.x, rows[order])
    return x


def _near(found: list[nearest.Nearest], samples: int) -> Finding:
    if not found:
        why = "no class is in both parts"
        if samples < nearest.SHORTEST_WINDOW:
            why = f"windows of {samples} samples are too short"
        return Finding(NEAR, None, f"not looked at: {why}")
    near, total = sum(one.near for one in found), sum(len(one.correlation) for one in found)
    p_value = nearest.chance_of(found)
    largest = max(float(one.correlation.max()) for one in found)
    measured = {
        **{"held_out_windows": near, "looked_at": total, "share": near / total},
        **{"p_value": p_value, "largest_correlation": largest},
    }
    if p_value >= nearest.SIGNIFICANCE:
        told = (
            f"of {total:,} loud held-out windows, no more are near training windows than by chance"
        )
        return Finding(NEAR, False, told, measured=measured)
    told = f"{_percent(near / total)} of {total:,} loud held-out windows are nearer to a training "
    told += "window than any is at another shift"
    advice = "give windows that were made from one signal one group, and split by group; "
    advice += "a waveform that always begins at the same place does the same"
    return Finding(NEAR, True, told, advice, measured)


def _channel(
    dataset: Dataset, made: Split, tests: list[coherence.Coherence], overlapping: bool
) -> Finding:
    if not tests:
        return Finding(CHANNEL, None, "not looked at: no class is in both parts")
    found = coherence.coherent(tests)
    names = list(dict.fromkeys(test.name for test in found))
    strongest = min(tests, key=lambda test: test.p_value)
    measured = {
        **{"classes": names, "classes_looked_at": len({test.name for test in tests})},
        "p_value": min(1.0, strongest.p_value * len(tests)),
        "tests": [asdict(test) for test in tests],
    }
    if not found:
        if overlapping:
            told = "windows that share samples agree, whatever their channels"
            return Finding(CHANNEL, None, told, measured=measured)
        told = f"carrier phases of {measured['classes_looked_at']} classes agree by chance only"
        return Finding(CHANNEL, False, told, measured=measured)
    told = f"carrier phases agree between the parts in {len(names)} of "
    told += f"{measured['classes_looked_at']} classes ({', '.join(names)}); strongest in "
    told += f"{strongest.name}: independent channels agree so with a chance of "
    told += f"{max(strongest.p_value, _LEAST_CHANCE):.0e} or less"
    advice = "one channel state, or one fixed phase, serves both parts, and no split mends that: "
    if has_one_channel(dataset.preset):
        advice += _one_channel_advice(dataset, made)
    else:
        advice += "use data with a channel drawn for each group"
    return Finding(CHANNEL, True, told, advice, measured)


def _one_channel_advice(dataset: Dataset, made: Split) -> str:
    advice = f"use the preset {corrected_twin(dataset.preset)}, or take the leak knowingly"
    one_group = len(np.unique(dataset.group[dataset.group != MIXED])) <= 1
    return advice + " with --random" * (one_group and made.rule != RANDOM)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share == 0 or share >= 0.001 else "less than 0.1%"
