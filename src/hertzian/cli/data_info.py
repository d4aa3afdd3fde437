"""`hertzian data info`: what a dataset holds, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hertzian.cli import output
from hertzian.cli.inputs import open_data
from hertzian.report import engineering
from hertzian.report.text import printable, shown_path
from hertzian.signal import BANDWIDTH_HZ, SYMBOL_RATE_HZ

if TYPE_CHECKING:
    from hertzian.datasets.blind_snr import Estimate
    from hertzian.datasets.dataset import Dataset
    from hertzian.datasets.inspection import ClassFacts, Inspection

_RATES = {BANDWIDTH_HZ: "occupied bandwidth", SYMBOL_RATE_HZ: "symbol rate"}


def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Dataset file.")],
    seed: Annotated[
        int, typer.Option(metavar="S", help="Of the sample of windows that is read.")
    ] = 0,
    as_json: output.JsonOption = False,
) -> None:
    """Show what a dataset holds and what is wrong with it.

    All labels are read, and up to 2^24 samples: of a larger file, every class at every SNR gives as
    many windows. The true SNR is estimated from the quiet part of the band.

    Examples:
    - `hertzian data info RML2016.10a_dict.pkl`
    - `hertzian data info windows.h5 --json`
    """
    from hertzian.datasets.inspection import STEPS, inspect
    from hertzian.datasets.opening import format_of

    if seed < 0:
        raise typer.BadParameter("a seed is 0 or more", param_hint="--seed")
    dataset = open_data(file)
    with output.progress("percent", STEPS, as_json=as_json) as advance:
        seen = inspect(dataset, seed, advance)
    if as_json:
        output.print_json(_document(file, format_of(file), dataset, seen))
    else:
        _print(file, format_of(file), dataset, seen, output.console())


def _document(file: Path, format: str, dataset: "Dataset", seen: "Inspection") -> dict[str, Any]:
    return {
        **{"file": str(file), "format": format},
        **{"preset": dataset.preset, "seed": dataset.seed, "version": dataset.version},
        "sample_rate_hz": dataset.sample_rate_hz,
        "snr_definition": dataset.snr_definition,
        **{name: _limits(dataset, name) for name in _RATES},
        **seen.document(),
    }


def _print(
    file: Path, format: str, dataset: "Dataset", seen: "Inspection", console: Console
) -> None:
    console.print(shown_path(file), style="bold", markup=False)
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(format, dataset, seen):
        facts.add_row(name, Text(printable(value)))
    console.print(facts)
    if seen.classes:
        console.print()
        console.print(_classes(seen))
    console.print()
    if seen.snr_unchecked is not None:
        told = f"the SNR was not checked: {printable(seen.snr_unchecked)}"
        console.print(Text.assemble(("? ", "yellow"), told), soft_wrap=True)
    elif not seen.problems:
        console.print("nothing found that is wrong")
    for problem in seen.problems:
        line = Text.assemble(("! ", "yellow"), f"{printable(problem.what)} ")
        console.print(line + Text(f"({printable(problem.advice)})", "dim"), soft_wrap=True)


def _facts(format: str, dataset: "Dataset", seen: "Inspection") -> list[tuple[str, str]]:
    rate = "no sample rate"
    if dataset.sample_rate_hz != 1.0:
        rate = f"at {engineering(dataset.sample_rate_hz, 'Hz')}"
    cells = f"{seen.smallest_cell:,}"
    if seen.largest_cell != seen.smallest_cell:
        cells += f" to {seen.largest_cell:,}"
    energy = seen.energy
    rms = "no window with energy"
    if energy.median is not None:
        rms = f"{energy.median:.3g} in the median, {energy.smallest:.3g} to {energy.largest:.3g}"
    if energy.normalisation != "nothing":
        rms += f"; equal {energy.normalisation} in all windows"
    groups = f"{seen.groups:,}; the largest holds {seen.largest_group:,}"
    if seen.mixed:
        groups += f"; {seen.mixed:,} windows across two"
    made = f", seed {dataset.seed}, made by version {dataset.version}" if dataset.version else ""
    return [
        ("format", format),
        ("preset" if made else "set", f"{dataset.preset}{made}"),
        ("windows", f"{seen.windows:,} of {seen.samples:,} samples, {rate}"),
        ("cells (class, SNR)", f"{seen.cells:,} of {cells} windows"),
        ("groups", groups),
        ("SNR", dataset.snr_definition),
        *_rates(dataset),
        ("RMS", rms),
        ("looked at", f"{seen.sampled:,} windows"),
    ]


def _rates(dataset: "Dataset") -> list[tuple[str, str]]:
    unit = "" if dataset.sample_rate_hz == 1.0 else "Hz"
    found = {name: _limits(dataset, key) for key, name in _RATES.items()}
    return [
        (name, f"{engineering(limits['lowest'], unit)} to {engineering(limits['highest'], unit)}")
        for name, limits in found.items()
        if limits is not None
    ]


def _limits(dataset: "Dataset", name: str) -> dict[str, float] | None:
    """Return the smallest and the largest number known in a column; None where there is none."""
    column = getattr(dataset, name)
    known = np.empty(0) if column is None else column[np.isfinite(column)]
    return {"lowest": float(known.min()), "highest": float(known.max())} if len(known) else None


def _classes(seen: "Inspection") -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("class")
    for heading in ("windows", "SNR labels (dB)", "true SNR at the highest (dB)"):
        table.add_column(heading, justify="right")
    for one in seen.classes:
        table.add_row(
            Text(printable(one.name)),
            f"{one.windows:,}",
            _labels(one),
            "no signal" if one.void else _estimate(one.estimate),
            style="yellow" if one.void else None,
        )
    return table


def _labels(one: "ClassFacts") -> str:
    if one.lowest_db is None:
        return "–"
    if one.levels == 1:
        return _decibels(one.lowest_db)
    return f"{one.levels}, {_decibels(one.lowest_db)} to {_decibels(one.highest_db)}"


def _estimate(estimate: "Estimate") -> str:
    if estimate.snr_db is None:
        return f"not estimable: {estimate.why}"
    return _decibels(round(estimate.snr_db, 1))


def _decibels(value: float | None) -> str:
    return f"{value:g}".replace("-", "−")
