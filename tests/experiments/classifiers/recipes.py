"""A recipe small enough for tests: every learning method, on the easiest windows."""

from hertzian.experiments.stages import StageContext

RECIPE = """\
name: tiny
title: Every learning method, for tests
paper: null
seeds: [0]
stages:
  data:
    kind: dataset
    preset: rml2016-10a-corrected
    per: {smoke: 60, small: 80, full: null}
    snr: [14, 18]
    split: random
  first:
    {kind: train-classifier, model: resnet-1024, options: {samples: 128, dropout: 0.0},
     epochs: 4, batch_size: 32, learning_rate: 4.0e-3, confusion_at: [18]}
  weighted:
    {kind: train-weighted, weights_from: first, model: resnet-1024,
     options: {samples: 128, dropout: 0.0}, epochs: 4, batch_size: 32, learning_rate: 4.0e-3}
  teacher:
    {kind: train-classifier, model: crosstlnet, options: {units: 8, embedding: 8,
     attention: false, dropout: 0.1}, epochs: 5, batch_size: 32, learning_rate: 4.0e-3,
     precision: 32-true}
  distilled:
    {kind: distil, teacher: teacher, model: crosstlnet, options: {units: 6, embedding: 8,
     attention: false, dropout: 0.1}, epochs: 5, batch_size: 32, learning_rate: 4.0e-3,
     precision: 32-true, beta: 1.0e+3}
  model: {kind: classifier-model, network: first, name: tiny}
  maps:
    {kind: feature-maps, networks: [teacher, distilled], feature: product, classes: [QAM16, BPSK],
     snr: 18.0}
"""


def write_recipe(folder):
    """Write the recipe and return its path."""
    path = folder / "tiny.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def context(folder, stages, outputs=None):
    """Return what a stage knows that runs by itself."""
    return StageContext(
        folder=folder,
        seed=0,
        scale="smoke",
        stages=stages,
        outputs=outputs or {},
        run_folder=folder,
        first=True,
        log=lambda line: None,
    )
