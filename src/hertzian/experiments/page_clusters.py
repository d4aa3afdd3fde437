"""Parts of a page for clusters: how they agree with classes, beside what was published."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hertzian.experiments.page_networks import AGREEMENTS, repetitions_of
from hertzian.experiments.page_numbers import curve_of, is_measured, mean_of
from hertzian.experiments.result import Result
from hertzian.report import Column, Plot, Section, Table, shares_over_snr, training_history

_FROM_ZERO = "snr_ge_0"


def find_clusterings(result: Result) -> dict[str, Mapping[str, Any]]:
    """Return stage -> what it measured, of the stages whose clusters were compared with classes."""
    recipe: Mapping[str, Any] = result.recipe
    blocks = {name: result.metrics.get(name) for name in recipe["stages"]}
    return {
        name: block
        for name, block in blocks.items()
        if isinstance(block, Mapping) and all(is_measured(block.get(key)) for key in AGREEMENTS)
    }


def cluster_section(
    result: Result, clusterings: Mapping[str, Mapping[str, Any]]
) -> Iterator[Section]:
    """Yield a section on all clusterings of a run, if there are any."""
    if not clusterings:
        return
    recipe: Mapping[str, Any] = result.recipe
    curves = {
        name: curve_of(block["acc_by_least_snr"])
        for name, block in clusterings.items()
        if block.get("acc_by_least_snr")
    }
    means = "Means over seeds; ± is half of the 95% interval, where there are several seeds."
    parts: list[str | Table | Plot] = [means, _table(clusterings, recipe.get("published", {}))]
    if any(len(curve) > 1 for curve in curves.values()):
        parts.append(
            Plot(shares_over_snr(curves, "ACC from this SNR on"), "Accuracy over the least SNR")
        )
    for name, block in clusterings.items():
        history = repetitions_of(block.get("history"), result.seeds)
        if history:
            parts.append(Plot(training_history(history), f"Training of {name}"))
    yield Section("Clusters", tuple(parts))


def _table(
    clusterings: Mapping[str, Mapping[str, Any]], published: Mapping[str, Mapping[str, Any]]
) -> Table:
    """Return a row for each; columns that nothing is known for are left out."""
    columns: list[tuple[Column, list[str | None]]] = [(Column("clusters of"), list(clusterings))]
    for key, title in AGREEMENTS.items():
        columns.append(
            (
                Column(title, "right"),
                [_share(block.get(key)) for block in clusterings.values()],
            )
        )
        columns.append(
            (
                Column("published", "right"),
                [_printed(published.get(name, {}).get(key)) for name in clusterings],
            )
        )
    loud = [block.get(_FROM_ZERO) or {} for block in clusterings.values()]
    columns.append(
        (Column("ACC at SNR ≥ 0 dB", "right"), [_share(block.get("acc")) for block in loud])
    )
    for key, title in (("clusters", "number"), ("largest_share", "largest share")):
        found = [mean_of(block, key) for block in clusterings.values()]
        columns.append(
            (Column(title, "right"), [None if one is None else f"{one:.3g}" for one in found])
        )
    known = [(head, cells) for head, cells in columns if any(cell is not None for cell in cells)]
    rows: Sequence[tuple[str | None, ...]] = list(zip(*(cells for _, cells in known), strict=True))
    return Table([head for head, _ in known], rows, wide=True)


def _share(value: Any) -> str | None:
    """Return the mean over seeds, and half of its interval: 0.854 ± 0.012."""
    if not is_measured(value) or value["mean"] is None:
        return None
    mean = f"{value['mean']:.3f}"
    if value["interval"] is None:
        return mean
    return f"{mean} ± {(value['interval'][1] - value['interval'][0]) / 2:.3f}"


def _printed(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"
