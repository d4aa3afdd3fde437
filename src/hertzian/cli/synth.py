"""`hertzian synth`: datasets and recordings from a preset."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from hertzian.cli import output
from hertzian.cli.inputs import hertz
from hertzian.recordings.metadata import META_SUFFIX
from hertzian.signal import HertzianError

_SECONDS = 1.0
_SAMPLE_RATE_HZ = 1e6


def synth(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="Name of a preset, as rml2016-10a or field.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="Dataset (.h5, .npz, .pkl and others), or one wideband recording (.sigmf-meta).",
        ),
    ],
    per: Annotated[
        int | None,
        typer.Option(metavar="N", help="Examples per class and SNR.  [default: the preset's]"),
    ] = None,
    snr: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="SNRs in dB; of a recording, lowest and highest.  [default: the preset's]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Another one gives other data.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(metavar="W", help="In parallel; the data don't depend on it.  [default: all]"),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", help=f"Length of a recording.  [default: {_SECONDS:g}]"),
    ] = None,
    sample_rate: Annotated[
        float | None,
        typer.Option(parser=hertz, metavar="HZ", help="Of a recording.  [default: 1M]"),
    ] = None,
    as_json: output.JsonOption = False,
) -> None:
    """Make labelled data; the same arguments give the same bytes.

    The presets named after published sets copy them, with their defects; those that end in
    -corrected repair them. `field` is what recognition sees: windows through the detector and the
    front end. A recording has what was sent as annotations. The file's suffix chooses its format:
    .pkl is RadioML's, .hdf5 that of RML2018.01A. A file that exists is replaced.

    Presets: rml2016-10a, rml2016-10b, rml2016-04c, radcom-awgn and radcom-dynamic, each with a
    -corrected twin; rml2018-01a-like, radcom-gain, sigzsl-7, linear, field.

    Examples:
    - `hertzian synth rml2016-10a copy.pkl`
    - `hertzian synth rml2016-10a-corrected windows.h5 --per 200 --snr 0,10`
    - `hertzian synth field windows.h5 --per 200 --snr 6,14,22`
    - `hertzian synth field band.sigmf-meta --seconds 4 --sample-rate 2M4`
    """
    levels = None if snr is None else _decibels(snr)
    recording = out.name.endswith(META_SUFFIX)
    if recording:
        _refuse("of datasets", per=per, workers=workers)
    else:
        _refuse("of recordings", seconds=seconds, sample_rate=sample_rate)
    output.require_train_extra("synth")
    if recording:
        rate_hz = _SAMPLE_RATE_HZ if sample_rate is None else sample_rate
        told = _record(preset, out, levels, seed, _SECONDS if seconds is None else seconds, rate_hz)
    else:
        told = _windows(preset, out, per, levels, seed, workers, as_json)
    if as_json:
        output.print_json(told)
    else:
        output.log(f"wrote {out}: {told['contents']}")


def _decibels(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no list of decibels; write 0,10,20", param_hint="--snr"
        ) from None


def _refuse(kind: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise typer.BadParameter(f"only {kind}", param_hint=f"--{name.replace('_', '-')}")


def _windows(
    preset: str,
    out: Path,
    per: int | None,
    levels: tuple[float, ...] | None,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> dict[str, Any]:
    from hertzian.datasets.presets import find_preset
    from hertzian.datasets.synthesis import synthesise

    recipe = find_preset(preset)
    chosen = recipe.snr_db if levels is None else levels
    counts = {recipe.count(kind, per) for kind in recipe.kinds}
    total = sum(recipe.count(kind, per) for kind in recipe.kinds) * len(chosen)
    # the bar must end before warnings are printed
    with output.warnings_as_lines(), output.progress("windows", total, as_json=as_json) as advance:
        synthesise(
            preset,
            out,
            per=per,
            seed=seed,
            snr_db=chosen,
            workers=os.cpu_count() or 1 if workers is None else workers,
            advance=advance,
        )
    of_each = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    return {
        **{"file": str(out), "preset": preset, "seed": seed, "examples": total},
        **{"classes": list(recipe.modulations), "protocols": list(recipe.protocols)},
        "snr_db": list(chosen),
        "contents": f"{total} windows, {of_each} of each of {len(recipe.kinds)} classes at each of "
        f"{len(chosen)} SNRs",
    }


def _record(
    preset: str,
    out: Path,
    levels: tuple[float, ...] | None,
    seed: int,
    seconds: float,
    rate_hz: float,
) -> dict[str, Any]:
    from hertzian.datasets.presets import find_preset
    from hertzian.datasets.synthesis import check_levels
    from hertzian.datasets.truth import wideband_recording, write_truth

    if find_preset(preset).name != "field":
        raise HertzianError(f"{out}: recordings are made by the preset field only, not {preset}")
    if not (rate_hz > 0 and 0 < seconds < float("inf")) or seed < 0:
        raise HertzianError(
            f"a recording of {seconds:g} s at {rate_hz:g} Hz with seed {seed} is not possible"
        )
    if levels is not None:
        check_levels(levels)
    span = {} if levels is None else {"snr_db": (min(levels), max(levels))}
    recording = wideband_recording(seed, round(seconds * rate_hz), **span)
    write_truth(
        out,
        recording,
        sample_rate_hz=rate_hz,
        description=f"Synthetic: preset {preset}, seed {seed}",
    )
    emitted = [
        {
            **{"start": emission.start, "count": emission.count, "modulation": emission.label},
            **{"center_hz": emission.center * rate_hz, "snr_db": emission.snr_db},
            "bandwidth_hz": emission.bandwidth * rate_hz,
        }
        for emission in recording.emissions
    ]
    return {
        **{"file": str(out), "preset": preset, "seed": seed, "sample_rate_hz": rate_hz},
        **{"samples": recording.iq.size, "emissions": emitted},
        "contents": f"{len(emitted)} emissions in {recording.iq.size} samples",
    }
