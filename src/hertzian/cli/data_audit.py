"""`hertzian data audit`: what leaks across a split of a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hertzian.cli import output
from hertzian.cli.inputs import open_data
from hertzian.report.text import printable, shown_path

if TYPE_CHECKING:
    from hertzian.datasets.audit import Audit
    from hertzian.datasets.dataset import Dataset
    from hertzian.datasets.splits import Split

_ANSWERS = {True: ("found", "red"), False: ("none", "green"), None: ("not judged", "yellow")}
_MORE = (
    "a part without windows of a class at an SNR says nothing about it: make more examples of each "
    "class and SNR (a larger --per)"
)


def audit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Dataset file.")],
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="SPLIT", help="A split of it (.npz).  [default: one by group, made here]"
        ),
    ] = None,
    random: Annotated[
        bool,
        typer.Option("--random", help="Audit a random split, such as published results use."),
    ] = False,
    seed: Annotated[
        int, typer.Option(metavar="S", help="Of the split that is made, and of samples.")
    ] = 0,
    as_json: output.JsonOption = False,
) -> None:
    """Measure what leaks from training into the other parts of a split.

    Looks for groups in both parts, copies, overlapping windows, windows nearer than chance, and one
    channel behind both parts. A split that is made here has 70% training, 15% validation and 15%
    test; by group, no realisation is in two parts. The status is 0 whatever is found.

    Examples:
    - `hertzian data audit windows.h5`
    - `hertzian data audit RML2016.10a_dict.pkl --random --json`
    - `hertzian data audit windows.h5 --split mine.npz`
    """
    from hertzian.datasets.audit import STEPS
    from hertzian.datasets.audit import audit as measure

    if split is not None and random:
        raise typer.BadParameter("a split is given", param_hint="--random")
    if seed < 0:
        raise typer.BadParameter("a seed is 0 or more", param_hint="--seed")
    dataset = open_data(file)
    made = _split(file, dataset, split, random, seed)
    with output.progress("percent", STEPS, as_json=as_json) as advance:
        found = measure(dataset, made, seed, advance)
    if as_json:
        told = {"file": str(file), "split": None if split is None else str(split)}
        output.print_json(told | found.document())
    else:
        _print(file, found, output.console())


def _split(file: Path, dataset: "Dataset", given: Path | None, random: bool, seed: int) -> "Split":
    from hertzian.datasets import splits
    from hertzian.datasets.dataset import DatasetError

    if given is not None:
        return splits.read_split(given, dataset)
    try:
        return (splits.random_split if random else splits.split)(dataset, seed=seed)
    except DatasetError as error:
        hint = " (here with --random)" if "by name" in str(error) else ""
        raise DatasetError(f"{file}: {error}{hint}") from None


def _print(file: Path, found: "Audit", console: Console) -> None:
    console.print(shown_path(file), style="bold", markup=False)
    parts = ", ".join(f"{count:,} {name}" for name, count in found.parts.items())
    left_out = f", {found.left_out:,} left out" if found.left_out else ""
    compared = f"{found.looked_at:,} of {found.windows:,} windows"
    if found.cells_looked_at < found.cells:
        compared += f", in {found.cells_looked_at:,} of {found.cells:,} (class, SNR) cells"
    facts = Table.grid(padding=(0, 2))
    lacking = {name: count for name, count in found.missing_cells.items() if count}
    missing = ", ".join(f"{name} {count:,}" for name, count in lacking.items())
    for name, value in (
        ("split", f"{found.rule}, seed {found.seed}"),
        ("parts", f"{parts}{left_out}"),
        *([("cells missing", f"{missing} of {found.cells:,}")] if lacking else []),
        ("SHA-256", found.split_hash),
        ("compared", compared),
    ):
        facts.add_row(name, Text(printable(value)))
    console.print(facts)
    console.print()
    table = Table("leak", "", "measured", box=None, header_style="bold")
    for one in found.findings:
        answer, style = _ANSWERS[one.found]
        table.add_row(one.kind, Text(answer, style), Text(printable(one.verdict)))
    console.print(table)
    advice = [(one.kind, one.advice) for one in found.findings if one.advice is not None]
    if lacking:
        advice.append(("cells missing", _MORE))
    for kind, told in advice:
        line = Text.assemble(("! ", "yellow"), f"{kind}: {printable(told)}")
        console.print(line, soft_wrap=True)
