"""Small labelled SigMF captures: bursts of given kinds in white noise, 20 dB over it in band."""

import json

import numpy as np
import torch

from hertzian.recordings import Annotation, write_sigmf
from hertzian.waveforms import make

RATE_HZ = 1e6
CENTER_HZ = 433e6
PARAMETERS = {
    "QPSK": {"samples_per_symbol": 12.0},
    "2FSK": {"samples_per_symbol": 20.0},
    "FMCW": {"bandwidth": 0.1, "period_samples": 1500.0},
}


def capture(path, labels, seed, *, samples=60_000, edges=True, snr_db=20.0, named=None, **entry):
    """Write a capture with one burst for each label, one after the other, each at an offset."""
    random = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    iq = (random.standard_normal((samples, 2)) / np.sqrt(2)).view(np.complex128)[:, 0]
    slot = samples // max(len(labels), 1)
    annotations = []
    for place, label in enumerate(labels):
        waveform = make(label, **PARAMETERS.get(label, {}))
        width = waveform.occupied_bandwidth
        start, count = place * slot + slot // 6, slot // 2
        center = float(random.uniform(-0.3, 0.3))
        burst = waveform.generate(1, count, generator).numpy()[0]
        turn = np.exp(2j * np.pi * center * np.arange(count))
        iq[start : start + count] += np.sqrt(10 ** (snr_db / 10) * width) * burst * turn
        half_hz = width / 2 * RATE_HZ
        at_hz = CENTER_HZ + center * RATE_HZ
        annotations.append(
            Annotation(
                start=start,
                count=count,
                lower_hz=at_hz - half_hz if edges else None,
                upper_hz=at_hz + half_hz if edges else None,
                label=(named or {}).get(label, label),
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sigmf(
        path,
        [(0.05 * iq).astype(np.complex64)],
        sample_rate_hz=RATE_HZ,
        center_frequency_hz=CENTER_HZ,
        annotations=annotations,
        datatype="ci16_le",
    )
    return path


def change(meta, change_it):
    """Rewrite metadata after a function has changed it in place."""
    document = json.loads(meta.read_text())
    change_it(document)
    meta.write_text(json.dumps(document))
