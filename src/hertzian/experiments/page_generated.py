"""Part of a page for features of classes never seen: real ones beside generated ones."""

from collections.abc import Iterator
from pathlib import Path

from hertzian.experiments.arrays import read_arrays
from hertzian.experiments.stages import ExperimentError
from hertzian.report import Plot, Section, class_maps, feature_maps

GENERATED = "generated.npz"
"""What the stage `show-generated` leaves in the folder of a run."""

_MAP, _PLACES, _NUMBERS = "map, ", "places, ", "numbers, "


def generated_section(folder: Path) -> Iterator[Section]:
    """Yield a section where the folder of a run has `GENERATED`.

    Raises:
        ExperimentError: it can't be read.
    """
    path = folder / GENERATED
    if not path.is_file():
        return
    what = "real and generated features"
    found = read_arrays(path, what)
    maps = {name.removeprefix(_MAP): one for name, one in found.items() if name.startswith(_MAP)}
    try:
        panels = {
            name.removeprefix(_PLACES): (one, found[name.replace(_PLACES, _NUMBERS)])
            for name, one in found.items()
            if name.startswith(_PLACES)
        }
        parts = [
            Plot(
                feature_maps(list(maps.values()), list(maps), across="feature", down="window"),
                "Features of windows, real and generated",
            )
        ]
        if panels:
            names = [str(name) for name in found["names"]]
            parts.append(Plot(class_maps(panels, names), "Features on a plane (t-SNE)"))
    except (ValueError, KeyError, TypeError) as error:
        raise ExperimentError(f"{path}: expected {what} ({error}); delete it") from None
    text = "Of unseen classes, beside what was generated from their descriptions; the first seed."
    yield Section("Features, real and generated", (text, *parts))
