"""`hertzian cluster`: signals that nobody has labelled, grouped, shown, named, and recognised."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hertzian.cli import output
from hertzian.cli.inputs import (
    CenterFrequencyOption,
    FormatOption,
    Given,
    SampleRateOption,
    open_data,
    open_sources,
)
from hertzian.detection import WINDOW
from hertzian.report.text import printable, shown_path
from hertzian.signal import HertzianError

if TYPE_CHECKING:
    from hertzian.experiments.recipe import Recipe
    from hertzian.experiments.unlabelled.naming import ClusterName
    from hertzian.experiments.unlabelled.recipe import Wanted

_DATASETS = (".h5", ".hdf5", ".npz", ".pkl", ".pickle", ".dat", ".mat")


def cluster(
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA...",
            help="Recordings or folders of them, as classify takes them; or one dataset.",
        ),
    ],
    k: Annotated[
        int | None,
        typer.Option(
            min=2, max=1000, metavar="K", help="Number of clusters.  [default: estimated]"
        ),
    ] = None,
    most: Annotated[
        int,
        typer.Option(min=2, max=1000, metavar="K", help="The most clusters that may be estimated."),
    ] = 20,
    auxiliary: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="A labelled dataset of other signals, to learn from what makes signals alike.",
        ),
    ] = None,
    network: Annotated[
        str, typer.Option(metavar="N", help="What learns from --auxiliary: see `models`.")
    ] = "dtc",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="Without --auxiliary: whose answers are grouped.  [default: field, or the "
            "shipped model for windows of this length]",
        ),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            metavar="F.json", help='What each cluster is, {"1": "2FSK", ...}: makes the model.'
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the run.  [default: runs/cluster-DATA]"),
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Of clustering, after --auxiliary, at most.")
    ] = 10,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of everything that is random.")
    ] = 0,
    form: FormatOption = None,
    sample_rate: SampleRateOption = None,
    center_frequency: CenterFrequencyOption = None,
    as_json: output.JsonOption = False,
) -> None:
    """Group signals that nobody has labelled; name the groups, and get a model that knows them.

    Recordings are listened to, what is heard is grouped, and DIR/clusters.html shows what is
    typical of each group. Write what they are into DIR/clusters.json and give the command again
    with --names: DIR then holds a model for `hertzian classify --model DIR` (of a dataset with
    windows of another length than 1024: for `hertzian evaluate DIR DATA`). Labels that a dataset
    may have are not looked at, but for telling how well the groups agree with them. Started again
    on the same DIR, it goes on where it stopped.

    Examples:
    - `hertzian cluster captures/`
    - `hertzian cluster captures/ --names runs/cluster-captures/clusters.json`
    - `hertzian cluster unknown.h5 --auxiliary labelled.h5 --k 10`
    """
    output.require_train_extra("cluster")
    from hertzian.experiments import run_recipe
    from hertzian.experiments.unlabelled.naming import check_names, name_clusters_of
    from hertzian.experiments.unlabelled.recipe import Wanted
    from hertzian.experiments.unlabelled.show import is_finished

    if auxiliary is not None and model is not None:
        raise typer.BadParameter("give --auxiliary or --model, not both", param_hint="--model")
    stem = data[0].name.removesuffix(".sigmf-meta") or data[0].resolve().name
    folder = out or Path("runs") / f"cluster-{Path(stem).stem}"
    if names is not None:
        check_names(names)
    if names is None or not is_finished(folder):
        wanted = Wanted(k, most, auxiliary, network, model, epochs, seed)
        recipe = _recipe(data, Given(form, sample_rate, center_frequency), wanted)
        command = shlex.join(["hertzian", *sys.argv[1:]])
        try:
            run_recipe(recipe, "full", folder, command=command, log=output.log)
        except KeyboardInterrupt:
            output.log(f"interrupted; the same command goes on from {folder}")
            raise
    called = None if names is None else name_clusters_of(folder, names)
    told = _document(data, folder, called)
    if as_json:
        output.print_json(told)
    else:
        _print(told)


def _recipe(data: Sequence[Path], given: Given, wanted: "Wanted") -> "Recipe":
    from hertzian.experiments.unlabelled.heard import RecordingsSettings
    from hertzian.experiments.unlabelled.recipe import of_dataset, of_recordings

    # a raw recording may end in anything where its format is said
    if given.format is None and any(_is_dataset(path) for path in data):
        if len(data) > 1:
            raise typer.BadParameter("one dataset, or recordings", param_hint="DATA")
        return of_dataset(data[0], open_data(data[0]), wanted)
    sources, errors = open_sources(data, given)
    for error in errors:
        output.log(f"warning: left out: {error}")
    if not sources:
        raise HertzianError(f"no recording could be opened in {', '.join(map(str, data))}")
    recordings = RecordingsSettings(
        kind="unlabelled-recordings",
        files=tuple(str(source.recording.path) for source in sources),
        format=given.format,
        sample_rate_hz=given.sample_rate_hz,
        center_frequency_hz=given.center_frequency_hz,
    )
    return of_recordings(recordings, wanted)


def _is_dataset(path: Path) -> bool:
    return path.suffix.casefold() in _DATASETS and not path.is_dir()


def _document(
    data: Sequence[Path], folder: Path, called: "Sequence[ClusterName] | None"
) -> dict[str, Any]:
    from hertzian.experiments.unlabelled.show import PAGE, cluster_facts

    facts = cluster_facts(folder)
    for number, fact in enumerate(facts["clusters"]):
        fact["name"] = None if called is None else called[number].model_dump()
    return {
        "data": [str(path) for path in data],
        **facts,
        "page": str(folder / PAGE),
        "model": None if called is None else str(folder),
    }


def _print(told: dict[str, Any]) -> None:
    console = output.console()
    table = Table("cluster", box=None, header_style="bold")
    for heading in ("signals", "share"):
        table.add_column(heading, justify="right")
    for heading in ("heard as", "name", "typical"):
        table.add_column(heading)
    for one in told["clusters"]:
        most = ", ".join(f"{name} {count}" for name, count in [*one["heard_as"].items()][:3])
        name = one["name"] or {}
        called = " ".join(filter(None, (name.get("modulation"), name.get("protocol"))))
        share = f"{100 * one['share']:.0f}%"
        number, signals = str(one["cluster"]), str(one["signals"])
        place = one["typical"]
        typical = "–" if place is None else f"{shown_path(place['file'])} at {place['start']}"
        table.add_row(number, signals, share, most or "–", printable(called) or "–", typical)
    console.print(table)
    if told["agreement"]:
        agreed = ", ".join(f"{key.upper()} {value:.3f}" for key, value in told["agreement"].items())
        console.print(f"agreement with the labels of the data: {agreed}")
    output.log(f"wrote {told['page']}")
    if told["model"] is None:
        where = Path(told["page"]).with_name("clusters.json")
        output.log(f"name the clusters in {where}, then: the same command with --names {where}")
    else:
        used = "classify FILE --model {}" if told["samples"] == WINDOW else "evaluate {} DATA"
        output.log(f"wrote the model: hertzian {used.format(told['model'])}")
