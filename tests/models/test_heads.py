"""One network, several heads: every registered network, and what is shared."""

import pytest
import torch
from torch import nn

from hertzian.models import MultiHead, build, count_parameters, names, spec
from hertzian.signal import HertzianError

CLASSES, PROTOCOLS = ("BPSK", "QPSK", "2FSK"), ("GSM", "DAB", "DECT", "TETRA")


@pytest.mark.parametrize("name", names())
def test_every_network_can_carry_two_heads(name):
    alone = build(name, CLASSES, protocols=())
    both = build(name, CLASSES, protocols=PROTOCOLS)
    head = sum(weight.numel() for weight in alone.head.parameters() if weight.requires_grad)
    other = build(name, PROTOCOLS, protocols=())
    more = sum(weight.numel() for weight in other.head.parameters() if weight.requires_grad)
    assert count_parameters(both) == count_parameters(alone) + more
    assert head < count_parameters(alone)
    found = both.eval()(torch.zeros(2, 2, spec(name).samples))
    assert {key: tuple(value.shape) for key, value in found.items()} == {
        "modulation": (2, 3),
        "protocol": (2, 4),
    }


@pytest.mark.parametrize("name", ["cnn2", "crosstlnet", "field", "mtl"])
def test_a_head_says_what_the_network_alone_would(name):
    options = {"units": 8, "embedding": 4} if name == "crosstlnet" else {}
    torch.manual_seed(0)
    both = build(name, CLASSES, protocols=PROTOCOLS, **options).eval()
    alone = build(name, PROTOCOLS, protocols=(), **options).eval()
    last = {f"head.{key}": value for key, value in both.heads["protocol"].state_dict().items()}
    alone.load_state_dict({**both.network.state_dict(), **last})
    x = torch.randn(2, 2, spec(name).samples)
    with torch.no_grad():
        assert torch.equal(both(x)["protocol"], alone(x))
        assert "logits" not in both.features(x)


def test_quantities_are_heads_of_one_output():
    model = build("afnet", CLASSES, quantities=("snr_db", "bandwidth")).eval()
    found = model(torch.randn(4, 2, 128))
    assert list(found) == ["modulation", "snr_db", "bandwidth"]
    assert found["snr_db"].shape == (4, 1)


def test_mldnn_mixes_classes_and_no_quantities():
    with pytest.raises(HertzianError, match="mldnn mixes probabilities, which needs 2 classes"):
        build("mldnn", CLASSES, quantities=("snr_db",))


def test_without_a_head_there_is_only_one_answer():
    with pytest.raises(HertzianError, match="Linear can't carry several heads: its logits are not"):
        MultiHead(lambda count: nn.Linear(1, count), {"modulation": 2, "protocol": 3})
    with pytest.raises(HertzianError, match="needs one head or more"):
        MultiHead(lambda count: nn.Linear(1, count), {})
