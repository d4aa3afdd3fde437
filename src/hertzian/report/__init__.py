"""Figures, self-contained HTML pages and tables of what was found or measured."""

from hertzian.report.clusters import ClusterPage, ShownCluster, write_clusters
from hertzian.report.curves import (
    accuracy_over_snr,
    confusion,
    reliability,
    shares_over_setting,
    shares_over_snr,
)
from hertzian.report.detections import write_report
from hertzian.report.engineering import duration, engineering
from hertzian.report.entries import DetectionView, ReportEntry
from hertzian.report.features import class_maps
from hertzian.report.figures import constellation, excerpt_spectrogram, spectrogram, spectrum
from hertzian.report.networks import (
    feature_maps,
    latencies,
    panels_over_snr,
    shares_of_classes,
    training_history,
)
from hertzian.report.page import Column, Plot, Section, Table, experiment_page
from hertzian.report.spectra import SpectrogramImage, power_spectrum, spectrogram_image
from hertzian.report.tables import CSV_COLUMNS, DetectionLines, DetectionsTable, write_csv

__all__ = [
    "CSV_COLUMNS",
    "ClusterPage",
    "Column",
    "DetectionLines",
    "DetectionView",
    "DetectionsTable",
    "Plot",
    "ReportEntry",
    "Section",
    "ShownCluster",
    "SpectrogramImage",
    "Table",
    "accuracy_over_snr",
    "class_maps",
    "confusion",
    "constellation",
    "duration",
    "engineering",
    "excerpt_spectrogram",
    "experiment_page",
    "feature_maps",
    "latencies",
    "panels_over_snr",
    "power_spectrum",
    "reliability",
    "shares_of_classes",
    "shares_over_setting",
    "shares_over_snr",
    "spectrogram",
    "spectrogram_image",
    "spectrum",
    "training_history",
    "write_clusters",
    "write_csv",
    "write_report",
]
