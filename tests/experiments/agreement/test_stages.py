"""The stages on windows of our own in the place of GNU Radio's, so that none is needed."""

import json
from typing import get_args

import numpy as np
import pytest

from hertzian.experiments import ExperimentError, load_recipe
from hertzian.experiments.agreement.sides import our_side
from hertzian.experiments.agreement.stages import (
    ControlSettings,
    Modulation,
    TestSettings,
    WindowSettings,
    make_windows,
    measure_agreement,
    measure_control,
)
from hertzian.experiments.peers.gnuradio import MODULATIONS
from hertzian.experiments.stages import StageContext

MADE = WindowSettings(
    kind="gnuradio-windows", passes=100, per_pass=4, modulations=("QAM16", "QPSK")
)


@pytest.fixture
def context(tmp_path):
    made, folder = tmp_path / "windows", tmp_path / "test"
    made.mkdir()
    folder.mkdir()
    for modulation in MADE.modulations:
        for label in MADE.labels:
            side = our_side(modulation, 100, 4, (label,), 99)
            np.savez(made / f"{modulation}-{label:g}.npz", iq=side.iq, number=side.number)
    return StageContext(
        folder, 0, "smoke", {"windows": MADE}, {"windows": made}, tmp_path, True, lambda line: None
    )


def test_finished_classes_are_not_made_again(context):
    made = StageContext(
        context.outputs["windows"], 0, "smoke", {}, {}, context.run_folder, True, lambda line: None
    )
    metrics = make_windows(MADE, made).metrics
    assert metrics == {"windows_a_side": {"QAM16": 800, "QPSK": 800}}


def test_what_agrees_is_not_told_apart(context):
    settings = TestSettings(kind="gnuradio-two-sample", epochs=1)
    metrics = measure_agreement(settings, context).metrics
    for name in ("trees", "network"):
        for modulation, accuracy in metrics[f"{name}: accuracy"].items():
            assert 0.35 < accuracy < 0.65
            lower = metrics[f"{name}: 95% from"][modulation]
            assert lower <= accuracy <= metrics[f"{name}: 95% to"][modulation]
    assert set(metrics["trees: label 18 dB"]) == {"QAM16", "QPSK"}
    reached = [*metrics["trees: accuracy"].values(), *metrics["network: accuracy"].values()]
    assert metrics["greatest_accuracy"] == max(reached)


def test_a_measured_class_is_not_measured_again(context):
    accuracy = {"value": 0.9, "lower": 0.8, "upper": 1.0, "by_label": {}}
    for modulation in MADE.modulations:
        file = context.folder / f"{modulation}.json"
        file.write_text(json.dumps({"trees": accuracy, "network": accuracy}))
    settings = TestSettings(kind="gnuradio-two-sample", epochs=1)
    assert measure_agreement(settings, context).metrics["greatest_accuracy"] == 0.9


def test_another_scale_of_the_constellation_is_told_apart(context):
    settings = ControlSettings(kind="gnuradio-control", control="unit-power", epochs=1)
    metrics = measure_control(settings, context).metrics
    assert metrics["control unit-power, QAM16"]["trees"]["accuracy"] > 0.7


def test_the_stage_with_the_windows_has_to_be_named(context):
    settings = TestSettings(kind="gnuradio-two-sample", windows="elsewhere")
    with pytest.raises(ExperimentError, match="'elsewhere' is not of the kind gnuradio-windows"):
        measure_agreement(settings, context)


def test_the_recipe_covers_all_that_gnu_radio_makes():
    assert get_args(Modulation) == MODULATIONS
    stages = load_recipe("gnuradio-agreement").stages
    assert stages["windows"].modulations == MODULATIONS
    # both labels: 20 000 windows a side
    assert 2 * stages["windows"].passes * stages["windows"].per_pass >= 20_000
    with pytest.raises(ExperimentError, match="modulations"):
        load_recipe("gnuradio-agreement", overrides=['stages.windows.modulations=["AM-SSB"]'])
