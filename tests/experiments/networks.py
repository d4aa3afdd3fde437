"""Results of runs that trained networks, made by hand."""

from datetime import UTC, datetime

import numpy as np

from hertzian.evaluation import evaluation_block, evaluation_curves
from hertzian.experiments import Hardware, Result, StageRecord, over_seeds

CLASSES = ("BPSK", "QPSK", "QAM16", "QAM64")
SNRS = (-10, 0, 10)


def measured(stage, seed, skill, *, classes=CLASSES, snrs=SNRS, per_cell=40, weights=False):
    """Return {stage: block}: the share `skill` is right at the highest SNR, less below it."""
    random = np.random.default_rng([seed, len(stage)])
    truth = np.tile(np.arange(len(classes)), per_cell * len(snrs))
    snr = np.repeat(np.array(snrs, dtype=np.float64), len(classes) * per_cell)
    share = skill / (1 + np.exp(-(snr + 6) / 3))
    right = random.random(len(truth)) < share
    predicted = np.where(right, truth, (truth ^ 1) % len(classes))
    sure = np.clip(share + random.normal(0, 0.05, len(truth)), 1 / len(classes), 1)
    probabilities = np.repeat(((1 - sure) / (len(classes) - 1))[:, None], len(classes), axis=1)
    probabilities[np.arange(len(truth)), predicted] = sure
    given = {
        "classes": classes,
        "probabilities": probabilities,
        "truth": truth,
        "snr_db": snr,
    }
    block = evaluation_block(model=stage, data="toy preset", **given)
    block |= evaluation_curves(
        **given, confusion_at=snrs[1:2], weights=sure**2 if weights else None
    )
    epochs = np.arange(1, 12 + seed)
    block["parameters"] = 6_760_459
    block["history"] = {
        "epoch": epochs,
        "train_loss": 2 / epochs,
        "validation_loss": 1.2 / epochs + 0.01 * epochs,
        "validation_accuracy": skill * (1 - 1 / (1 + epochs)),
    }
    return {stage: block}


def network_result(
    *,
    name="toy",
    skills=(("new", 0.9), ("old", 0.7)),
    seeds=(0, 1),
    scale="full",
    date=datetime(2026, 1, 2, tzinfo=UTC),
    comparisons=None,
    recipe=None,
    command=None,
    **options,
):
    """Return the result of a run of stages and their skills; `recipe` adds to its recipe."""
    record = {
        "date": date,
        "commit": "c0ffee",
        "modified": False,
        "hardware": Hardware(processor="abacus", cores=2, memory_bytes=None, accelerator=None),
    }
    metrics = {}
    for stage, skill in skills:
        metrics |= over_seeds([measured(stage, seed, skill, **options) for seed in seeds])
    if comparisons is not None:
        metrics["comparisons"] = comparisons
    stages = {stage: {"kind": "train"} for stage, _ in skills}
    return Result(
        **record,
        python="3.11.0",
        packages={"numpy": "2.4.0"},
        recipe={
            "name": name,
            "title": "Networks of a toy",
            "paper": "Nobody, 1900",
            "seeds": list(seeds),
            "stages": stages,
            **(recipe or {}),
        },
        scale=scale,
        seeds=seeds,
        command=command or f"hertzian run {name} --scale {scale}",
        metrics=metrics,
        wall_time_s=7200.0,
        stages={stage: StageRecord(wall_time_s=3600.0, **record) for stage, _ in skills},
        split_hash="beef",
        trained_on=(),
    )
