"""The three multi-task networks: counts as published, and the studies' options."""

import re

import pytest
import torch

from hertzian.datasets.published import RADCOM_AWGN
from hertzian.models import build, count_macs, count_parameters, spec
from hertzian.signal import HertzianError, canonical

AWGN = tuple(map(canonical, RADCOM_AWGN.modulations)), RADCOM_AWGN.protocols
COUNTS = {"mtl": 252_614, "vtcnn-mtl": 2_831_198, "drcnn-mtl": 1_003_598}
EACH_TASK = {"mtl": 300 + 124_160, "vtcnn-mtl": 0, "drcnn-mtl": 0}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_the_published_number(name):
    described = spec(name)
    assert (len(described.classes), len(described.protocols)) == (6, 8)
    assert count_parameters(build(name)) == COUNTS[name]
    assert abs(COUNTS[name] / described.published_parameters - 1) < 0.01


def test_mtl_for_the_set_in_noise():
    classes, protocols = AWGN
    assert count_parameters(build("mtl", classes, protocols=protocols)) == 254_156


def test_macs_of_mtl_are_those_of_its_table():
    convolutions = 14 * 14 * 8 * 9 + 2 * 11 * 11 * 4 * 8 * 9
    assert count_macs(build("mtl"), 128) == convolutions + 2 * 484 * 256 + 14 * 256 == 335_200


@pytest.mark.parametrize("name", COUNTS)
def test_layer_table_sums_to_the_parameters(name):
    table = type(build(name).network).__doc__
    rows = [row.strip("| ").split("|") for row in table.splitlines() if row.strip().startswith("|")]
    total = 0
    for layer, _, cell in (row for row in rows[2:] if len(row) == 3):
        count = int("".join(re.findall(r"\d", cell)) or 0)
        outputs = 6 + 8 if "a class" in cell else 2 if "each task" in layer else 1
        total += count * outputs
    assert total == COUNTS[name]


def test_first_half_of_the_image_is_in_phase():
    model = build("mtl").network.eval()
    seen = []
    model.shared.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    x = torch.arange(1.0, 257.0).reshape(1, 2, 128)
    model.features(x)
    (image,) = seen
    flat = image.flatten()
    assert image.shape == (1, 1, 16, 16)
    assert torch.allclose(flat / flat[0], torch.arange(1.0, 257.0), rtol=1e-5)
    assert float(flat.square().sum()) / 128 == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "shapes"),
    [
        ({"shared": (16,)}, ((16, 13, 13), 484)),
        ({"shared": (8, 8)}, ((8, 10, 10), 256)),
        ({"shared": (8, 8), "task": (4, 4)}, ((8, 10, 10), 144)),
        ({"kernel": 7}, ((8, 9, 9), 36)),
        ({"task": (8,), "dense": 512}, ((8, 13, 13), 968)),
    ],
)
def test_studies_are_options(options, shapes):
    model = build("mtl", **options).eval()
    with torch.no_grad():
        maps = model.features(torch.randn(1, 2, 128))["embedding"]
        flat = model.heads["protocol"][:-4](maps)
    assert (tuple(maps.shape[1:]), flat.shape[1]) == shapes


def test_longer_windows_are_no_more_examples():
    with pytest.raises(RuntimeError, match="unflatten"):
        build("mtl")(torch.zeros(2, 2, 256))


def test_an_image_has_room_for_so_much():
    with pytest.raises(HertzianError, match="4 convolutions of 5 x 5 leave nothing of an image"):
        build("mtl", shared=(8, 8), task=(4, 4), kernel=5)


def test_noise_is_added_in_training_only():
    model = build("mtl", noise=0.1, dropout=0.0).network
    x = torch.randn(1, 2, 128).expand(2, -1, -1)
    first, second = model.train().features(x)["embedding"].detach()
    assert 0.05 < float((first - second).std()) / 2**0.5 < 0.15
    first, second = model.eval().features(x)["embedding"]
    assert torch.equal(first, second)
