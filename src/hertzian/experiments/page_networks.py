"""Parts of a page for networks: what each measured, beside what was published of it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hertzian.evaluation import CURVES
from hertzian.experiments.arrays import read_arrays
from hertzian.experiments.comparisons import COMPARISONS
from hertzian.experiments.page_numbers import (
    MOST_CLASSES,
    Row,
    count,
    curve_of,
    is_measured,
    mean_of,
    measured,
    percent,
    percent_interval,
    percent_of_seeds,
)
from hertzian.experiments.result import Result
from hertzian.experiments.stages import ExperimentError
from hertzian.report import (
    Column,
    Plot,
    Section,
    Table,
    accuracy_over_snr,
    confusion,
    feature_maps,
    panels_over_snr,
    shares_of_classes,
    shares_over_snr,
    training_history,
)

FEATURES = "features.npz"
"""Feature maps [channels, samples] by their titles, in the folder of a run."""

SHARES = {
    **{"accuracy": "accuracy", "accuracy_snr_ge_0": "SNR ≥ 0 dB", "peak": "best SNR"},
    **{"seen": "seen classes", "unseen": "unseen classes", "harmonic_mean": "harmonic mean"},
}
"""Shares that a network measures and papers print, and their names."""

AGREEMENTS = {"nmi": "NMI", "ari": "ARI", "acc": "ACC"}
"""Measures of clusters that papers print, and their names."""

_DRAWN = CURVES | {"accuracy_by_snr", "confusion", "recall", "history"}
_CONFIDENCE = {"confidence": "largest probability", "weight": "weight from the entropy"}

Part = str | Plot | Table


def find_networks(result: Result) -> dict[str, Mapping[str, Any]]:
    """Return stage -> what it measured, of the stages that measured a network's accuracy."""
    recipe: Mapping[str, Any] = result.recipe
    blocks = {name: result.metrics.get(name) for name in recipe["stages"]}
    return {
        name: block
        for name, block in blocks.items()
        if isinstance(block, Mapping)
        and is_measured(block.get("accuracy"))
        and isinstance(block.get("accuracy_by_snr"), Mapping)
    }


def network_sections(
    result: Result, networks: Mapping[str, Mapping[str, Any]], folder: Path
) -> Iterator[Section]:
    """Yield a section on all networks, if there are any, and one on each.

    Args:
        result: of the run.
        networks: see `find_networks`.
        folder: of the run; its `features.npz`, if there is one, holds feature maps
            [channels, samples] by their titles.

    Raises:
        ExperimentError: the feature maps cannot be read.
    """
    if not networks:
        return
    recipe: Mapping[str, Any] = result.recipe
    published = recipe.get("published", {})
    printed = {
        name: {float(snr): share for snr, share in row.get("accuracy_by_snr", {}).items()}
        for name, row in published.items()
    }
    curves = {name: curve_of(block["accuracy_by_snr"]) for name, block in networks.items()}
    means = "Means over seeds; ± is half of the 95% interval, where there are several seeds."
    parts: list[Part] = [
        means,
        _overview(networks, published),
        Plot(accuracy_over_snr(curves, printed), "Accuracy over SNR"),
    ]
    comparisons = result.metrics.get(COMPARISONS)
    if isinstance(comparisons, Mapping):
        parts += _comparisons(recipe.get("compare", ()), networks, comparisons, result.seeds)
    parts += _feature_maps(folder / FEATURES)
    yield Section("Networks", tuple(parts))
    for name, block in networks.items():
        yield Section(name, tuple(_network(block, result.seeds)), anchor=name)


def _overview(
    networks: Mapping[str, Mapping[str, Any]], published: Mapping[str, Mapping[str, Any]]
) -> Table:
    """Return a row for each network; columns that nothing is known for are left out."""
    rows = {name: published.get(name, {}) for name in networks}
    columns: list[tuple[Column, list[str | None]]] = [
        (Column("network"), list(networks)),
        (
            Column("parameters", "right"),
            [count(mean_of(block, "parameters")) for block in networks.values()],
        ),
        (Column("published", "right"), [count(row.get("parameters")) for row in rows.values()]),
    ]
    for key, title in SHARES.items():
        ours = [percent_of_seeds(block.get(key)) for block in networks.values()]
        columns += [
            (Column(f"{title} (%)", "right"), ours),
            (Column("published", "right"), [percent(row.get(key)) for row in rows.values()]),
        ]
    columns.append((Column("source"), [row.get("source") for row in rows.values()]))
    shown = [(column, cells) for column, cells in columns if any(cells)]
    return Table(
        [column for column, _ in shown], list(zip(*(cells for _, cells in shown), strict=True))
    )


def _comparisons(
    pairs: Sequence[Mapping[str, Any]],
    networks: Mapping[str, Mapping[str, Any]],
    comparisons: Mapping[str, Any],
    seeds: Sequence[int],
) -> Iterator[Part]:
    rows = [_comparison(name, found, seeds) for name, found in comparisons.items()]
    yield Table(
        (
            *("better − worse", Column("points", "right"), Column("95% over seeds", "right")),
            *(Column("expected", "right"), "reached", "95% over test examples, of each seed"),
        ),
        rows,
        "Comparisons, paired by seed and by test example",
    )
    for pair in pairs:
        names = [pair["better"], pair["worse"]]
        recalls = {name: networks.get(name, {}).get("recall_by_snr", {}) for name in names}
        panels = {
            label: {name: curve_of(found[label]) for name, found in recalls.items()}
            for label in recalls[names[0]]
            if all(label in found for found in recalls.values())
        }
        if panels:
            title = f"{names[0]} and {names[1]}: accuracy of each class over SNR"
            yield Plot(panels_over_snr(panels, "accuracy"), title)


def _comparison(name: str, found: Mapping[str, Any], seeds: Sequence[int]) -> Row:
    mean, expected = found["difference"]["mean"], found["by"]
    reached = None if expected is None else "yes" if mean >= expected else "no"
    intervals = found["over_examples"]
    # stages that are not repeated have one comparison, which is of no seed in particular
    named = [f"seed {seed}: " for seed in seeds] if len(intervals) == len(seeds) > 1 else [""]
    over_examples = [
        f"{seed}{percent_interval(one)}"
        for seed, one in zip(named, intervals, strict=True)
        if one is not None
    ]
    return (
        *(name, percent(mean), percent_interval(found["difference"]["interval"])),
        *(percent(expected), reached, "; ".join(over_examples) or None),
    )


def _feature_maps(path: Path) -> Iterator[Plot]:
    if not path.is_file():
        return
    what = "feature maps [channels, samples] by title"
    maps = read_arrays(path, what)
    try:
        figure = feature_maps(list(maps.values()), list(maps))
    except ValueError as error:
        raise ExperimentError(f"{path}: expected {what} ({error}); delete it") from None
    yield Plot(figure, "Feature maps")


def _network(block: Mapping[str, Any], seeds: Sequence[int]) -> Iterator[Part]:
    """Yield what a network's own section shows."""
    if isinstance(block.get("model"), str) and isinstance(block.get("data"), str):
        yield f"{block['model']} on {block['data']}."
    yield from measured({key: value for key, value in block.items() if key not in _DRAWN})
    histories = repetitions_of(block.get("history"), seeds)
    if histories:
        yield Plot(training_history(histories), "Training")
    recall = {name: curve_of(curve) for name, curve in block.get("recall_by_snr", {}).items()}
    if recall:
        yield Plot(shares_over_snr(recall, "accuracy"), "Accuracy of each class over SNR")
    yield from _classes(block)
    yield from _confusions(block)
    yield from _confidence(block)


def _confusions(block: Mapping[str, Any]) -> Iterator[Part]:
    found = {"Confusion": block.get("confusion")}
    found |= {
        f"Confusion at {snr} dB".replace("-", "−"): at
        for snr, at in block.get("confusion_at", {}).items()
    }
    for title, matrix in found.items():
        if matrix is not None and len(matrix["classes"]) <= MOST_CLASSES:
            yield Plot(confusion(matrix["classes"], matrix["counts"]), title)


def _classes(block: Mapping[str, Any]) -> Iterator[Table]:
    """Yield what became of each class over all SNRs, and at SNR >= 0."""
    recall, taken_for = block.get("recall", {}), block.get("taken_for", {})
    rows = []
    for name in recall:
        shares = {other: share["mean"] for other, share in taken_for.get(name, {}).items()}
        others = {other: share for other, share in shares.items() if other != name and share > 0}
        most = max(others, key=others.__getitem__, default=None)
        mistake = (most, percent(others[most])) if most else (None, None)
        rows.append((name, percent_of_seeds(recall[name]), percent(shares.get(name)), *mistake))
    if rows:
        columns = ("all SNRs (%)", "SNR ≥ 0 dB (%)", "there most often taken for", "(%)")
        right = [Column(title, "left" if "taken" in title else "right") for title in columns]
        yield Table(("class", *right), rows, "Classes")


def _confidence(block: Mapping[str, Any]) -> Iterator[Plot]:
    kinds = {key: name for key, name in _CONFIDENCE.items() if block.get(f"{key}_by_snr")}
    if kinds:
        curves = {name: curve_of(block[f"{key}_by_snr"]) for key, name in kinds.items()}
        yield Plot(shares_over_snr(curves, "mean confidence"), "Confidence over SNR")
    kinds = {key: name for key, name in _CONFIDENCE.items() if block.get(f"{key}_by_class")}
    if kinds:
        bars = {
            name: {found: mean["mean"] for found, mean in block[f"{key}_by_class"].items()}
            for key, name in kinds.items()
        }
        yield Plot(shares_of_classes(bars, "mean confidence"), "Confidence over the true class")


def repetitions_of(
    history: object, seeds: Sequence[int]
) -> dict[str, dict[str, list[float | None]]]:
    """Return the training of each seed out of a merged history: "seed N" -> its lists.

    Lists that all seeds share are merged into one, others into `{"values": [...]}`.
    """
    if not isinstance(history, Mapping):
        return {}
    merged = {
        key: value["values"] if isinstance(value, Mapping) and "values" in value else [value]
        for key, value in history.items()
    }
    times = max((len(values) for values in merged.values()), default=0)
    return {
        f"seed {seed}": {
            key: values[place % len(values)]
            for key, values in merged.items()
            if isinstance(values[place % len(values)], list)
        }
        for place, seed in enumerate(seeds[:times])
    }
