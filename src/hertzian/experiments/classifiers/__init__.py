"""Experiments with classifiers of windows: a dataset and its split, training, test, the model."""
