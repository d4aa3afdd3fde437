"""Parts of a page for the possible: distances to a bound, and what impairments cost."""

from collections.abc import Iterator, Mapping
from typing import Any

from hertzian.experiments.page_numbers import curve_of, percent, percent_of_seeds
from hertzian.experiments.possible import IMPAIRMENTS
from hertzian.experiments.result import Result
from hertzian.report import Column, Plot, Section, Table, shares_over_setting

DISTANCE, IMPAIRED, ACROSS = "distance", "impaired", "across"
_SHOWN = {DISTANCE, IMPAIRED, ACROSS}


def find_possible(result: Result) -> dict[str, Mapping[str, Any]]:
    """Return stage -> what it measured, of the stages that this page shows."""
    recipe: Mapping[str, Any] = result.recipe
    blocks = {name: result.metrics.get(name) for name in recipe["stages"]}
    return {
        name: block
        for name, block in blocks.items()
        if isinstance(block, Mapping) and _SHOWN & set(block)
    }


def possible_sections(blocks: Mapping[str, Mapping[str, Any]]) -> Iterator[Section]:
    """Yield sections on distances to bounds, on impairments and on what generalises, if any."""
    distances = {name: block for name, block in blocks.items() if DISTANCE in block}
    if distances:
        parts: list[str | Plot | Table] = []
        for name, block in distances.items():
            parts += _distances(name, block)
        yield Section("Distance to the possible", tuple(parts))
    for name, block in blocks.items():
        if IMPAIRED in block:
            yield Section(f"What impairments cost: {name}", tuple(_impaired(block[IMPAIRED])))
        if ACROSS in block:
            yield Section(f"What generalises: {name}", tuple(_across(block[ACROSS])))


def _distances(name: str, block: Mapping[str, Any]) -> Iterator[str | Plot | Table]:
    networks: Mapping[str, Mapping[str, Any]] = block[DISTANCE]
    rows = []
    for network, found in networks.items():
        by_snr, upper = curve_of(found["by_snr"]), curve_of(found["upper"])
        furthest = max(by_snr, key=by_snr.__getitem__)
        rows.append(
            (
                *(network, percent_of_seeds(found["mean"]), percent(by_snr[furthest])),
                *(f"{furthest:g}".replace("-", "−"), "yes" if min(upper.values()) < 0 else "no"),
            )
        )
    columns = ("points below, mean over SNR", "at most", "at (dB)", "above it anywhere")
    yield Table(
        ("network", *(Column(title, "right") for title in columns)),
        rows,
        f"{name}: below {block['bound']}",
    )
    curves = {network: curve_of(found["by_snr"]) for network, found in networks.items()}
    drawn = {
        network: {f"{snr:g}": share for snr, share in curve.items()}
        for network, curve in curves.items()
    }
    title = f"{name}: points below {block['bound']} over SNR"
    yield Plot(shares_over_setting(drawn, "SNR (dB)", "accuracy below the bound"), title)


def _impaired(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str | Plot]:
    yield (
        "Networks that have learnt without impairment, and likelihoods that know of none, on "
        "windows of each: accuracy over all SNRs."
    )
    for impairment, networks in found.items():
        curves = {
            name: {strength: share["mean"] for strength, share in shares.items()}
            for name, shares in networks.items()
        }
        title = IMPAIRMENTS.get(impairment, impairment)
        yield Plot(shares_over_setting(curves, title, "accuracy", even=True), impairment)


def _across(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str | Table]:
    yield (
        "Accuracy on the classes that model and preset share, in percent: over all SNRs, at 0 dB "
        "and above, and at the best SNR. Answers are taken among these classes alone."
    )
    presets = dict.fromkeys(preset for blocks in found.values() for preset in blocks)
    keys = ("accuracy", "accuracy_snr_ge_0", "peak")
    for model, blocks in found.items():
        rows = [
            (
                *(preset, str(len(blocks[preset]["classes"]))),
                *(percent_of_seeds(blocks[preset].get(key)) for key in keys),
            )
            for preset in presets
            if preset in blocks
        ]
        heads = ("classes", "all SNRs", "SNR ≥ 0 dB", "best SNR")
        yield Table(("preset", *(Column(head, "right") for head in heads)), rows, model)
