"""One network, several heads: every registered network, and what is shared."""

import pytest
import torch
from torch import nn

from hertzian.models import MultiHead, build, count_parameters, names, spec
from hertzian.models.heads import Quantity
from hertzian.models.iqclnet import QAMS
from hertzian.signal import HertzianError

CLASSES, PROTOCOLS = ("BPSK", "QPSK", "2FSK"), ("GSM", "DAB", "DECT", "TETRA")


# trees are grown for one question
@pytest.mark.parametrize("name", [name for name in names() if name != "boosted-features"])
def test_every_network_can_carry_two_heads(name):
    classes = spec(name).classes  # its own: some have a part of their own for two of these
    torch.manual_seed(0)
    both = build(name, classes, protocols=PROTOCOLS).eval()
    alone = build(name, classes, protocols=()).eval()
    assert count_parameters(both) == count_parameters(alone) + count_parameters(
        build(name, PROTOCOLS, protocols=()).head
    )
    shared = both.network.state_dict()
    last = {f"head.{key}": value for key, value in both.heads["modulation"].state_dict().items()}
    alone.load_state_dict({**shared, **last})
    x = torch.randn(2, 2, spec(name).samples)
    with torch.no_grad():
        found = both(x)
        assert torch.equal(found["modulation"], alone(x))
    assert found["protocol"].shape == (2, 4)
    assert "logits" not in both.features(x)


def test_quantities_are_heads_of_one_output():
    model = build("afnet", CLASSES, quantities=("snr_db", "bandwidth")).eval()
    found = model(torch.randn(4, 2, 128))
    assert list(found) == ["modulation", "snr_db", "bandwidth"]
    assert found["snr_db"].shape == (4, 1)


def test_what_speaks_of_some_classes_is_left_to_their_head():
    eleven = tuple(f"P{number}" for number in range(11))
    both = build("iqclnet", protocols=eleven, quantities=("snr_db",))
    assert both.heads["modulation"].pair == QAMS
    assert both.heads["protocol"].pair is None
    assert both.heads["snr_db"].head.pair is None
    assert build("iqclnet", eleven).head.pair is None
    chosen = build("iqclnet", CLASSES, protocols=PROTOCOLS, pair=(0, 2))
    assert (chosen.heads["modulation"].pair, chosen.heads["protocol"].pair) == ((0, 2), None)


def test_mldnn_mixes_classes_and_no_quantities():
    with pytest.raises(HertzianError, match="mldnn mixes probabilities, which needs 2 classes"):
        build("mldnn", CLASSES, quantities=("snr_db",))


def test_without_a_head_there_is_only_one_answer():
    with pytest.raises(HertzianError, match="Linear can't carry several heads: its logits are not"):
        MultiHead(lambda head, count: nn.Linear(1, count), {"modulation": 2, "protocol": 3})
    with pytest.raises(HertzianError, match="needs one head or more"):
        MultiHead(lambda head, count: nn.Linear(1, count), {})


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ({"protocols": ("GSM",)}, r"head 'protocol' has 1 class\(es\), but 2 or more are needed"),
        ({"quantities": ("modulation",)}, "two heads are called 'modulation'"),
        ({"quantities": ("snr_db", "snr_db")}, "two heads are called 'snr_db'"),
    ],
)
def test_heads_have_names_of_their_own_and_a_choice(heads, message):
    with pytest.raises(HertzianError, match=message):
        build("mtl", CLASSES, **heads)


def test_a_quantity_keeps_its_digits_in_half_precision():
    model = build("afnet", CLASSES, quantities=("hertz",)).eval()
    model.heads["hertz"].standardise(torch.tensor([10e6 - 1e3, 10e6 + 1e3]))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        found = model(torch.randn(64, 2, 128))["hertz"]
    assert found.dtype == torch.float32
    assert len(found.unique()) > 8


def test_a_positive_quantity_learns_ratios_and_stays_finite():
    head = Quantity(torch.nn.Identity(), positive=True)
    head.standardise(torch.tensor([1e3, torch.nan, 1e5]))
    answers = head(torch.tensor([[0.0], [1e30], [-1e30]]))
    assert answers[0].item() == pytest.approx(1e4)  # the geometric mean
    assert torch.isfinite(answers).all()
    assert (answers > 0).all()
    wide = Quantity(torch.nn.Identity(), positive=True)
    wide.standardise(torch.tensor([1.0, 1e30]))
    answers = wide(torch.tensor([[9.0], [-9.0]]))
    assert torch.isfinite(wide.errors(answers, torch.ones(2, 1))).all()
    # a factor is worth as much up as down, wherever it starts
    errors = head.errors(torch.tensor([2e3, 5e4]), torch.tensor([1e3, 1e5]))
    assert errors[0].item() == pytest.approx(-errors[1].item())
    with pytest.raises(HertzianError, match="can't learn from 0"):
        head.standardise(torch.tensor([0.0, 1.0]))
