"""What a dataset holds, and what is wrong with it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hertzian.datasets import overlaps, quality
from hertzian.datasets.blind_snr import (
    FEW,
    FEWEST_WINDOWS,
    FILTERED,
    SHORTEST_WINDOW,
    Estimate,
    estimate_snr,
    is_filtered,
    is_white_noise,
)
from hertzian.datasets.dataset import Dataset
from hertzian.datasets.overlaps import Overlaps, find_overlaps
from hertzian.datasets.quality import Energy, Steps
from hertzian.datasets.splits import MIXED
from hertzian.datasets.strata import (
    Advance,
    Cells,
    Complex64,
    Int64,
    find_cells,
    read_rows,
    sample_rows,
)
from hertzian.datasets.twins import corrected_twin, has_one_channel

STEPS = 100.0
"""What the calls of `advance` add up to."""

_MOST_SAMPLES = 1 << 24
_RUN = 24  # neighbours of a cell that are read together
_READING, _SEARCHING = 40.0, 40.0

_FAIR_RMS = (0.05, 20.0)
_UNEVEN = 1.5  # the largest class against the smallest
_WRONG_DB = 3.0  # median difference between labels and estimates
_TRUSTED_DB = (-5.0, 40.0)  # estimates that labels are compared with
_FEWEST_CELLS = 3
_SCALED = 4.0  # cells' powers within this ratio were made equal, and tell nothing
_LOUD = 0.1  # part of other classes' power that an empty class stays below
_NOTABLE = 0.01  # share of windows from which clipping and quantisation are named
_NAMED = 5  # classes that one line lists
_NOISE = "noise"  # the class that is meant to hold no signal


@dataclass(frozen=True)
class ClassFacts:
    """One class.

    Attributes:
        name: modulation, and protocol where there is one.
        windows: how many.
        levels: SNR labels, without those that are not finite.
        lowest_db, highest_db: of the labels; None where none is finite.
        estimate: of the true SNR at the highest label.
        void: whether windows of the highest label cannot be told from white noise; None where
            there are too few, or where the class is meant to be noise.
    """

    name: str
    windows: int
    levels: int
    lowest_db: float | None
    highest_db: float | None
    estimate: Estimate
    void: bool | None


@dataclass(frozen=True)
class CellEstimate:
    """The SNR of one class at one label; None where that is not finite."""

    name: str
    label_db: float | None
    estimate: Estimate


@dataclass(frozen=True)
class Shared:
    """Windows of the sample that share samples.

    Attributes:
        looked_at: windows.
        duplicates: of them, copies of an earlier one up to scale and phase.
        overlapping: of them, those that share a part of another.
        mean_samples: shared with the one that they share most with, on average.
        not_judged: silent, bare carriers or repeating themselves without noise.
    """

    looked_at: int
    duplicates: int
    overlapping: int
    mean_samples: float
    not_judged: int


@dataclass(frozen=True)
class Problem:
    """Something wrong, and what to do about it, in one line each."""

    what: str
    advice: str


@dataclass(frozen=True)
class Inspection:
    """What a dataset holds.

    Attributes:
        windows, samples: number of windows and their length.
        sampled: windows that were read.
        cells: (class, SNR) cells that hold a window.
        empty_cells: those that do not, of all classes at all labels.
        smallest_cell, largest_cell: in windows.
        groups: number of groups; `largest_group` is in windows.
        mixed: windows that share samples with two groups.
        snr_unchecked: why no SNR could be told anywhere, in one line; None where one could.
        classes, estimates, energy, steps, shared, problems: see there.
    """

    windows: int
    samples: int
    sampled: int
    cells: int
    empty_cells: int
    smallest_cell: int
    largest_cell: int
    groups: int
    largest_group: int
    mixed: int
    snr_unchecked: str | None
    classes: tuple[ClassFacts, ...]
    estimates: tuple[CellEstimate, ...]
    energy: Energy
    steps: Steps
    shared: Shared
    problems: tuple[Problem, ...]

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        return asdict(self)


def inspect(dataset: Dataset, seed: int = 0, advance: Advance | None = None) -> Inspection:
    """Look at a dataset: at all labels, and at up to 2^24 samples.

    Of a larger dataset every cell gives as many neighbouring windows as any other, drawn with the
    seed.

    Args:
        dataset: what to look at.
        seed: of the sample.
        advance: called with the steps done since the last call, `STEPS` in all.
    """
    tell = advance or (lambda steps: None)
    cells = find_cells(dataset)
    rows = sample_rows(cells, max(1, _MOST_SAMPLES // dataset.x.shape[2]), _RUN, seed)
    x = read_rows(dataset.x, rows, lambda share: tell(_READING * share))
    facts, estimates = _classes(cells, cells.index[rows], x)
    tell(STEPS - _READING - _SEARCHING)
    searched = x[: overlaps.MOST_WINDOWS]
    found = find_overlaps(searched, lambda share: tell(_SEARCHING * share))
    mixed = dataset.group == MIXED
    sizes = np.unique(dataset.group[~mixed], return_counts=True)[1]
    counts = cells.counts
    seen = Inspection(
        windows=len(dataset),
        samples=dataset.x.shape[2],
        sampled=len(rows),
        cells=len(cells),
        empty_cells=len(np.unique(cells.snr_db)) * len(cells.names) - len(cells),
        smallest_cell=int(counts.min(initial=len(dataset))),
        largest_cell=int(counts.max(initial=0)),
        groups=len(sizes),
        largest_group=int(sizes.max(initial=0)),
        mixed=int(mixed.sum()),
        snr_unchecked=_snr_unchecked(estimates, dataset.x.shape[2]),
        classes=facts,
        estimates=estimates,
        energy=quality.energy(x),
        steps=quality.steps(x, seed),
        shared=_shared(found, len(searched), dataset.x.shape[2]),
        problems=(),
    )
    return replace(seen, problems=tuple(_problems(seen, dataset.preset)))


# --- classes ------------------------------------------------------------------------------------


def _classes(
    cells: Cells, index: Int64, x: Complex64
) -> tuple[tuple[ClassFacts, ...], tuple[CellEstimate, ...]]:
    order = np.argsort(index, kind="stable")
    ends = np.cumsum(np.bincount(index, minlength=len(cells)))
    windows = [x[rows] for rows in np.split(order, ends[:-1])] if len(cells) else []
    estimates = _estimates(cells, windows)
    loudest = [_loudest_cell(cells, place) for place in range(len(cells.names))]
    power = np.array([_power(part) for part in windows])
    telling = len(power) > 0 and power.max() > _SCALED * power.min()
    facts = []
    for place, (name, top) in enumerate(zip(cells.names, loudest, strict=True)):
        own = np.flatnonzero(cells.class_of == place)
        finite = cells.snr_db[own][np.isfinite(cells.snr_db[own])]
        void = None if name.lower() == _NOISE else is_white_noise(windows[top])
        if void and telling and len(loudest) > 1:
            # a signal that looks like noise, as OFDM does, is as strong as other classes
            void = bool(power[top] <= _LOUD * np.median(power[np.delete(loudest, place)]))
        facts.append(
            ClassFacts(
                name,
                windows=int(cells.counts[own].sum()),
                levels=len(finite),
                lowest_db=float(finite.min()) if len(finite) else None,
                highest_db=float(finite.max()) if len(finite) else None,
                estimate=estimates[top],
                void=void,
            )
        )
    named = (
        CellEstimate(cells.names[cells.class_of[cell]], _number(cells.snr_db[cell]), estimate)
        for cell, estimate in enumerate(estimates)
    )
    return tuple(facts), tuple(named)


def _estimates(cells: Cells, windows: list[Complex64]) -> list[Estimate]:
    """Estimate the SNR of each cell, unless all of the band was filtered."""
    estimates = [estimate_snr(part) for part in windows]
    floors = [
        (label_db, one.floor)
        for label_db, one in zip(cells.snr_db, estimates, strict=True)
        if one.floor is not None and np.isfinite(label_db)
    ]
    if is_filtered([label for label, _ in floors], [floor for _, floor in floors]):
        return [Estimate(None, one.why if one.why == FEW else FILTERED) for one in estimates]
    return estimates


def _snr_unchecked(estimates: tuple[CellEstimate, ...], samples: int) -> str | None:
    whys = [one.estimate.why for one in estimates]
    if "" in whys or not whys:
        return None
    if FEW not in whys:
        return max(sorted(set(whys)), key=whys.count)
    if samples < SHORTEST_WINDOW:
        return f"windows of {samples} samples are too short: at least {SHORTEST_WINDOW} are needed"
    return f"{FEW}: at least {FEWEST_WINDOWS} per class and SNR are needed"


def _loudest_cell(cells: Cells, place: int) -> int:
    own = np.flatnonzero(cells.class_of == place)
    return int(own[np.argmax(np.nan_to_num(cells.snr_db[own], nan=-np.inf))])


def _number(label_db: float) -> float | None:
    return float(label_db) if np.isfinite(label_db) else None


def _power(x: Complex64) -> float:
    power = np.mean(np.abs(x).astype(np.float64) ** 2, axis=1)
    power = power[np.isfinite(power)]
    return float(power.mean()) if len(power) else 0.0


def _shared(found: Overlaps, count: int, samples: int) -> Shared:
    whole = found.shared == samples
    longest = np.zeros(count, np.int64)
    for windows in (found.first, found.second):
        np.maximum.at(longest, windows[~whole], found.shared[~whole])
    overlapping = int(np.sum(longest > 0))
    return Shared(
        looked_at=count,
        duplicates=len(np.unique(found.second[whole])),
        overlapping=overlapping,
        mean_samples=float(longest[longest > 0].mean()) if overlapping else 0.0,
        not_judged=int(np.sum(found.bare | found.recurring)),
    )


# --- what is wrong ------------------------------------------------------------------------------


def _problems(seen: Inspection, preset: str) -> list[Problem]:
    if not seen.windows:
        return [Problem("holds no windows", "nothing to do with it")]
    return [
        *_energy_problems(seen.energy, seen.sampled),
        *_class_problems(seen, preset),
        *_snr_problems(seen.estimates),
        *_shared_problems(seen, preset),
        *_step_problems(seen.steps),
    ]


def _energy_problems(energy: Energy, sampled: int) -> list[Problem]:
    problems = []
    if energy.not_finite:
        what = f"{energy.not_finite:,} of {sampled:,} windows hold values that are not finite"
        problems.append(Problem(what, "remove them"))
    if energy.silent:
        what = f"{energy.silent:,} of {sampled:,} windows are zero throughout"
        problems.append(Problem(what, "remove them, or label them as noise"))
    lowest, highest = _FAIR_RMS
    if energy.median is not None and not lowest <= energy.median <= highest:
        what = f"RMS {energy.median:.2g}: networks without a normaliser learn badly"
        problems.append(Problem(what, "normalise each window, or use a network that does"))
    return problems


def _class_problems(seen: Inspection, preset: str) -> list[Problem]:
    problems = []
    void = [one.name for one in seen.classes if one.void]
    if void:
        what = f"no signal in {_listed(void)}: white Gaussian noise even at the highest label"
        advice = "leave these out, or call them noise"
        if twin := corrected_twin(preset):
            advice += f"; the preset {twin} mends it"
        problems.append(Problem(what, advice))
    if len(seen.classes) == 1:
        problems.append(Problem("there is one class", "nothing to tell it from"))
    sizes = {one.name: one.windows for one in seen.classes}
    most, least = max(sizes, key=lambda n: sizes[n]), min(sizes, key=lambda n: sizes[n])
    if sizes[most] > _UNEVEN * sizes[least]:
        what = f"classes are uneven: {sizes[most]:,} windows of {most}, {sizes[least]:,} of {least}"
        problems.append(Problem(what, "compare recall per class, or weigh classes in training"))
    elif seen.largest_cell > _UNEVEN * seen.smallest_cell:
        what = f"cells are uneven: {seen.smallest_cell:,} to {seen.largest_cell:,} windows"
        problems.append(Problem(what, "compare accuracy at each SNR"))
    if seen.empty_cells:
        what = f"{seen.empty_cells:,} of {seen.cells + seen.empty_cells:,} (class, SNR) cells are "
        problems.append(Problem(what + "empty", "compare classes at SNRs that they all have"))
    return problems


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def _snr_problems(estimates: tuple[CellEstimate, ...]) -> list[Problem]:
    pairs = [
        (one.label_db, one.estimate.snr_db)
        for one in estimates
        if one.estimate.snr_db is not None and one.label_db is not None
    ]
    lowest, highest = _TRUSTED_DB
    kept = np.array([pair for pair in pairs if lowest <= pair[1] <= highest])
    if len(kept) < _FEWEST_CELLS:
        return []
    off = float(np.median(np.abs(kept[:, 1] - kept[:, 0])))
    if off <= _WRONG_DB:
        return []
    label = float(np.median(kept[:, 0]))
    near = kept[np.abs(kept[:, 0] - label) <= 1.0]
    what = f"SNR labels are not SNRs: off by {off:.0f} dB in the median of {len(kept)} cells "
    what += f"(at label {label:g} dB the estimate is {np.median(near[:, 1]):.0f} dB)"
    return [Problem(what, "do not compare with results at true SNRs; see the SNR definition")]


def _shared_problems(seen: Inspection, preset: str) -> list[Problem]:
    problems, shared = [], seen.shared
    if shared.duplicates:
        what = f"{shared.duplicates:,} of {shared.looked_at:,} windows are copies of others"
        problems.append(Problem(what, "remove them, or give copies one group"))
    if shared.overlapping:
        what = f"{shared.overlapping:,} of {shared.looked_at:,} windows overlap others, "
        what += f"by {shared.mean_samples:.0f} of {seen.samples} samples"
        problems.append(Problem(what, "split by group: `hertzian data audit` shows what leaks"))
    if seen.groups == 1 and seen.windows > seen.mixed + 1:
        what = "all windows are one group: no split without leaking"
        advice = "number groups by realisation or place in the stream"
        if has_one_channel(preset):
            advice = f"use the preset {corrected_twin(preset)}, or leak knowingly by a random split"
        problems.append(Problem(what, advice))
    if seen.mixed:
        what = f"{seen.mixed:,} windows share samples with two groups"
        problems.append(Problem(what, "splits leave them out"))
    return problems


def _step_problems(steps: Steps) -> list[Problem]:
    problems = []
    if steps.clipped >= _NOTABLE:
        what = f"{100 * steps.clipped:.0f}% of windows are clipped"
        problems.append(Problem(what, "lower the gain of what recorded them"))
    if steps.quantised >= _NOTABLE and steps.levels is not None:
        what = f"{100 * steps.quantised:.0f}% of windows are quantised, "
        what += f"with about {steps.levels} levels over a window's range"
        problems.append(Problem(what, "expect other results than with fine samples"))
    return problems
