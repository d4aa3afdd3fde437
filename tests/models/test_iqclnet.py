import itertools

import numpy as np
import pytest
import torch

from hertzian.models import build, count_parameters
from hertzian.models.iqclnet import CLASSES, QAMS, ExpertFeatures, IQCLNet
from hertzian.models.layers import Normalise
from hertzian.signal import HertzianError


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _qam(side):
    """Every point of a square constellation once."""
    levels = np.arange(1 - side, side, 2)
    points = np.array(list(itertools.product(levels, levels)), dtype=np.float32)
    return Normalise()(torch.from_numpy(points.T[None].copy()))


def test_parameters_are_the_sum_of_the_table():
    convolutions = 2 * 64 * 7 + 64 * 64 * 5 + 2 * 2 * 64
    lstm = 4 * 128 * (64 + 128 + 2)
    total = convolutions + lstm + 129 * 11 + (7 * 32 + 33)
    assert count_parameters(build("iqclnet")) == total
    assert f"{total:,}".replace(",", " ") in IQCLNet.__doc__


@pytest.mark.parametrize(
    ("side", "fourth", "sixth", "fourth_order_line"),
    [(4, 1.32, 1.96, 0.68), (8, 1.380952, 2.225729, 0.619048)],
)
def test_expert_features_of_clean_constellations(side, fourth, sixth, fourth_order_line):
    found = ExpertFeatures()(_qam(side))[0].tolist()
    assert found[:2] == pytest.approx([np.log(fourth), np.log(sixth)], abs=2e-3)
    assert found[3:5] == pytest.approx([0, fourth_order_line], abs=1e-4)


def test_the_dedicated_classifier_divides_the_two_qams_and_touches_nothing_else():
    torch.manual_seed(1)
    model = build("iqclnet").eval()
    plain = IQCLNet(pair=(0, 1)).eval()
    plain.load_state_dict(model.state_dict())
    x = _noise(4, 2, 128)
    with torch.no_grad():
        logits = model(x)
        found = model.features(x)
        bare = model.head.dense(found["state"])
        choice = model.head.dedicated(found["experts"])[:, 0]
    both = list(QAMS)
    assert [CLASSES[place] for place in both] == ["16QAM", "64QAM"]
    others = [place for place in range(11) if place not in both]
    assert torch.allclose(logits[:, others], bare[:, others], atol=1e-6)
    p, q = logits.softmax(1), bare.softmax(1)
    assert torch.allclose(p[:, both].sum(1), q[:, both].sum(1), atol=1e-6)
    share = p[:, both[0]] / p[:, both].sum(1)
    assert torch.allclose(share, torch.sigmoid(choice), atol=1e-5)


def test_other_classes_go_without_a_pair():
    assert IQCLNet(5).head.dedicated is None
    assert IQCLNet(5)(_noise(2, 2, 128)).shape == (2, 5)
    for pair in [(0, 0), (0, 5), (-1, 2)]:
        with pytest.raises(HertzianError, match="a pair of 5 classes"):
            IQCLNet(5, pair)


def test_scale_of_the_input_changes_no_logit():
    torch.manual_seed(2)
    model = build("iqclnet").eval()
    x = _noise(8, 2, 128)
    with torch.no_grad():
        expected = model(x)
        for scale in (1e-6, 1e6):
            assert torch.allclose(model(x * scale), expected, atol=1e-4)
