"""Stages of the `gnuradio-agreement` recipe: GNU Radio's windows, the test, its controls."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Literal, get_args

from pydantic import Field

from hertzian.datasets.jobs import on_threads
from hertzian.experiments.agreement.sides import (
    OUR_CHANNEL,
    Side,
    our_side,
    peer_side,
)
from hertzian.experiments.agreement.two_sample import CLASSIFIERS, Accuracy, two_sample_test
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.recordings import atomic_path
from hertzian.waveforms.gnuradio import Shaped

Modulation = Literal[
    "BPSK", "QPSK", "8PSK", "PAM4", "QAM16", "QAM64", "GFSK", "CPFSK", "WBFM", "AM-DSB"
]
Control = Literal["unit-power", "fader-3.7"]

_CONTROLLED: dict[Control, Modulation] = {"unit-power": "QAM16", "fader-3.7": "QPSK"}


class WindowSettings(StageSettings):
    """How many passes GNU Radio makes of each class for each label, and what is kept of each."""

    passes: int = Field(ge=5)
    per_pass: int = Field(default=8, ge=1)
    labels: tuple[float, ...] = Field(default=(10.0, 18.0), min_length=1)
    modulations: tuple[Modulation, ...] = Field(default=get_args(Modulation), min_length=1)


@stage("gnuradio-windows", WindowSettings)
def make_windows(settings: WindowSettings, context: StageContext) -> StageOutcome:
    """Run GNU Radio, class by class; the files of finished classes are kept."""
    counts = {}
    for modulation in settings.modulations:
        context.log(f"GNU Radio: {modulation}")
        side = peer_side(
            modulation,
            settings.passes,
            settings.per_pass,
            settings.labels,
            context.seed,
            context.folder,
        )
        counts[modulation] = len(side.iq)
    return StageOutcome(metrics={"windows_a_side": counts})


class TestSettings(StageSettings):
    """How the network is trained; `windows` is the stage that has GNU Radio's side."""

    __test__ = False

    windows: str = "windows"
    epochs: int = Field(default=20, ge=1)


class ControlSettings(TestSettings):
    """What differs on our side: the scale of QAM16, or the rule of the fader."""

    control: Control


@stage("gnuradio-two-sample", TestSettings)
@on_threads(1)
def measure_agreement(settings: TestSettings, context: StageContext) -> StageOutcome:
    """Let two classifiers try to tell our windows of each class from GNU Radio's."""
    made = _window_settings(settings, context)
    found: dict[str, dict[str, Any]] = {}
    for modulation in made.modulations:
        file = context.folder / f"{modulation}.json"
        if not file.exists():
            ours = our_side(modulation, made.passes, made.per_pass, made.labels, context.seed)
            answer = _test(ours, modulation, settings, context)
            with atomic_path(file) as partial:
                partial.write_text(json.dumps(answer), encoding="utf-8")
        found[modulation] = json.loads(file.read_text(encoding="utf-8"))
        context.log(f"{modulation}: {_told(found[modulation])}")
    metrics: dict[str, Any] = {}
    for name in CLASSIFIERS:
        metrics |= _tables(name, {kind: answer[name] for kind, answer in found.items()})
    metrics["greatest_accuracy"] = max(
        answer[name]["value"] for answer in found.values() for name in CLASSIFIERS
    )
    return StageOutcome(metrics=metrics)


@stage("gnuradio-control", ControlSettings)
@on_threads(1)
def measure_control(settings: ControlSettings, context: StageContext) -> StageOutcome:
    """Let the classifiers try it where our side is known to differ."""
    made = _window_settings(settings, context)
    modulation = _CONTROLLED[settings.control]
    transmitter, channel = None, OUR_CHANNEL
    if settings.control == "unit-power":
        transmitter = Shaped("16QAM", symbols=5000)
    else:
        channel = replace(OUR_CHANNEL, rule="3.7")
    ours = our_side(
        modulation, made.passes, made.per_pass, made.labels, context.seed, transmitter, channel
    )
    answer = _test(ours, modulation, settings, context)
    context.log(f"{settings.control}: {_told(answer)}")
    named = f"control {settings.control}, {modulation}"
    return StageOutcome(metrics={named: {name: _plain(answer[name]) for name in CLASSIFIERS}})


def _window_settings(settings: TestSettings, context: StageContext) -> WindowSettings:
    made = context.stages.get(settings.windows)
    if not isinstance(made, WindowSettings):
        raise ExperimentError(f"stage {settings.windows!r} is not of the kind gnuradio-windows")
    return made


def _test(
    ours: Side, modulation: str, settings: TestSettings, context: StageContext
) -> dict[str, Any]:
    made = _window_settings(settings, context)
    theirs = peer_side(
        modulation,
        made.passes,
        made.per_pass,
        made.labels,
        context.seed,
        context.output(settings.windows),
    )
    found: Mapping[str, Accuracy] = two_sample_test(ours, theirs, context.seed, settings.epochs)
    return {name: asdict(accuracy) for name, accuracy in found.items()}


def _told(answer: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {one['value']:.3f} ({one['lower']:.3f} to {one['upper']:.3f})"
        for name, one in answer.items()
    )


def _plain(accuracy: Mapping[str, Any]) -> dict[str, Any]:
    """Return one accuracy as a flat mapping, for a table of its own."""
    labels = {f"label {label} dB": value for label, value in accuracy["by_label"].items()}
    bounds = {"95% from": accuracy["lower"], "95% to": accuracy["upper"]}
    return {"accuracy": accuracy["value"], **bounds, **labels}


def _tables(name: str, by_class: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return one classifier's figures as tables whose rows are classes."""
    plain = {kind: _plain(accuracy) for kind, accuracy in by_class.items()}
    columns = next(iter(plain.values()))
    return {
        f"{name}: {column}": {kind: row[column] for kind, row in plain.items()}
        for column in columns
    }
