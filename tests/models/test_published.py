"""What all published networks share, and the peculiarities of some."""

import re

import pytest
import torch
from torch import nn

from hertzian.models import build, count_macs, count_parameters, spec
from hertzian.models.dae import stretch
from hertzian.models.published import RML2016, RML2018

PARAMETERS = {
    **{"cnn1": 1_592_383, "cnn2": 858_123, "mcnet": 121_611, "ic-amcnet": 1_264_011},
    **{"resnet": 3_098_283, "densenet": 3_282_603, "gru2": 151_179, "lstm2": 201_099},
    **{"dae": 14_989, "mcldnn": 406_199, "cldnn": 164_433, "cldnn2": 517_643},
    "cldnn-ramjee": 2_741_379,
    **{"cgdnet": 124_933, "pet-cgdnn": 71_871, "1dcnn-pf": 174_923},
    **{"ds-cldnn": 1_144_743, "mldnn": 899_248, "ctdnn": 2_577_179},
    **{"vgg-1024": 159_832, "resnet-1024": 165_144},
}
PRINTED_THOUSANDS = {"ds-cldnn": 1144.7, "mldnn": 899.25, "ctdnn": 2577.2}

# How far in samples an impulse may be seen in the feature `convolutions`.
REACH = {
    **{"cnn1": 12, "cnn2": 64, "mcnet": 12, "ic-amcnet": 26, "resnet": 4, "densenet": 4},
    **{"mcldnn": 12, "cldnn": 18, "cldnn2": 8, "cgdnet": 18, "pet-cgdnn": 12, "1dcnn-pf": 8},
    "cldnn-ramjee": 10,
    **{"ds-cldnn": 8, "mldnn": 8, "ctdnn": 50, "vgg-1024": 192, "resnet-1024": 192},
}

every_network = pytest.mark.parametrize("name", PARAMETERS)


@pytest.fixture(scope="module")
def network():
    """Return name -> network in evaluation, with batch norm as training leaves it."""
    built = {}

    def get(name):
        if name not in built:
            torch.manual_seed(0)
            model = built[name] = build(name)
            for layer in model.modules():
                if isinstance(layer, nn.BatchNorm1d):
                    layer.running_mean.normal_(0, 0.1)
                    layer.running_var.uniform_(0.5, 2)
        return built[name].eval()

    return get


def _noise(name, batch=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 2, spec(name).samples, generator=generator)


def _tolerance(logits):
    """Return 1e-4, or as much of the logits where they are small (fresh weights)."""
    return 1e-4 * min(1, logits.abs().max().item())


@every_network
def test_parameters_are_the_published_number(name):
    assert count_parameters(build(name)) == PARAMETERS[name]
    if name in PRINTED_THOUSANDS:
        printed = PRINTED_THOUSANDS[name]
        assert round(PARAMETERS[name] / 1000, 2 if name == "mldnn" else 1) == printed


@every_network
def test_layer_table_sums_to_the_parameters(name):
    table = re.findall(r"\|([^|]*)\|\n", type(build(name)).__doc__)
    cells = [cell.replace(" ", "") for cell in table]
    assert sum(int(n) for cell in cells for n in re.findall(r"\d+", cell)) == PARAMETERS[name]


@every_network
def test_made_for_a_published_set_and_cites_its_paper(name):
    described = spec(name)
    assert described.paper
    if name.endswith("-1024"):
        assert (described.samples, described.classes) == (1024, RML2018)
    else:
        assert (described.samples, described.classes) == (128, RML2016)


def test_labels_are_canonical_and_in_the_published_order():
    assert " ".join(RML2016) == "8PSK AM-DSB AM-SSB BPSK CPFSK GFSK 4PAM 16QAM 64QAM QPSK WBFM"
    assert len(set(RML2018)) == 24


@every_network
def test_scale_of_the_input_changes_no_prediction(network, name):
    x = _noise(name)
    with torch.no_grad():
        expected = network(name)(x)
        for scale in (1e-6, 1e6):
            found = network(name)(x * scale)
            assert (found - expected).abs().max() < _tolerance(expected)
            assert torch.equal(found.argmax(dim=1), expected.argmax(dim=1))


@every_network
def test_number_of_classes_is_free_and_training_too(name):
    torch.manual_seed(2)
    logits = build(name, ("BPSK", "QPSK", "16QAM")).train()(_noise(name))
    assert logits.shape == (3, 3)
    assert logits.isfinite().all()


@every_network
def test_zeros_are_finite(network, name):
    zeros = torch.zeros(2, 2, spec(name).samples)
    with torch.no_grad():
        assert network(name)(zeros).isfinite().all()
        assert all(one.isfinite().all() for one in network(name).features(zeros).values())


@every_network
def test_features_are_what_the_logits_come_from(network, name):
    x = _noise(name)
    with torch.no_grad():
        found = network(name).features(x)
        assert all(len(one) == len(x) for one in found.values())
        assert torch.equal(network(name).head(found["embedding"]), network(name)(x))


@every_network
def test_gradients_reach_every_parameter(network, name):
    model = network(name)
    model.zero_grad()
    x = _noise(name)
    # The features carry the losses beside the cross-entropy: reconstruction.
    losses = [model(x), *model.features(x).values()]
    sum(one.square().sum() for one in losses).backward()
    idle = [
        key
        for key, weight in model.named_parameters()
        if weight.requires_grad and not (weight.grad is not None and weight.grad.any())
    ]
    # an LSTM of one step starts from a state of zeros
    assert idle == ["recurrent.weight_hh_l0"] * (name == "cldnn-ramjee")


def _seen(model, key, samples, position):
    """Return where an impulse changes a feature: the largest change along the last axis."""
    impulse = torch.zeros(1, 2, samples)
    impulse[0, :, position] = torch.tensor([1.0, -0.5])
    with torch.no_grad():
        change = (model.features(impulse)[key] - model.features(torch.zeros_like(impulse))[key])[0]
    return change.abs()


@pytest.mark.parametrize("name", REACH)
def test_time_stays_time_in_the_convolutions(network, name):
    samples = spec(name).samples
    for position in (samples // 4, samples // 2, 3 * samples // 4):
        change = _seen(network(name), "convolutions", samples, position)
        change = change.flatten(0, -2).amax(dim=0)
        stride = round(samples / len(change))
        places = change.gt(1e-6).nonzero().flatten() * stride
        assert len(places)
        assert (places - position).abs().max() <= REACH[name] + stride


@pytest.mark.parametrize("name", ["gru2", "lstm2", "mcldnn", "pet-cgdnn"])
def test_recurrence_runs_forward_in_time(network, name):
    change = _seen(network(name), "sequence", 128, 64).amax(dim=1)
    first = int(change.gt(1e-6).nonzero()[0])
    assert 64 - 12 <= first <= 64


@pytest.mark.parametrize(
    ("name", "widths"), [("cldnn", (125, 119)), ("cldnn2", (120,)), ("cgdnet", (123, 113))]
)
def test_steps_over_maps_keep_time_in_order(network, name, widths):
    change = _seen(network(name), "steps", 128, 64).unflatten(1, (-1, sum(widths)))
    for part in change.amax(dim=(0, 1)).split(widths):
        places = part.gt(1e-6).nonzero().flatten()
        assert len(places)
        assert (places - 64).abs().max() <= REACH[name]


def test_macs_of_recurrent_networks_are_those_of_their_matrices():
    steps, units = 128, 128
    products = steps * units * (2 + units) + steps * units * 2 * units
    assert count_macs(build("lstm2"), 128) == 4 * products + units * 11
    assert count_macs(build("gru2"), 128) == 3 * products + units * 11


def test_dae_has_96_numbers_that_are_not_trained():
    floats = [one for one in build("dae").buffers() if one.is_floating_point()]
    assert sum(one.numel() for one in floats) == 96


def test_dae_reconstructs_what_it_sees(network):
    x = _noise("dae")
    with torch.no_grad():
        found = network("dae").features(x)
    z = torch.complex(x[:, 0], x[:, 1])
    length, angle = found["input"].unbind(dim=2)
    assert torch.allclose(length, z.abs() / z.abs().norm(dim=1, keepdim=True), atol=1e-6)
    assert torch.allclose(angle, stretch(z.angle()), atol=1e-5)
    assert found["reconstruction"].shape == found["input"].shape


def test_dae_runs_forward_in_time(network):
    x = _noise("dae")
    # Other order, same amplitudes and phases: what scales the whole window stays the same.
    turned = torch.cat([x[..., :64], x[..., 64:].flip(2)], dim=2)
    with torch.no_grad():
        first, second = (network("dae").features(one)["sequence"] for one in (x, turned))
    assert torch.allclose(first[:, :64], second[:, :64], atol=1e-6)
    assert not torch.allclose(first[:, 64:], second[:, 64:], atol=1e-3)


def test_stretch_fills_minus_one_to_one():
    found = stretch(torch.tensor([[1.0, 2.0, 5.0], [3.0, 3.0, 3.0]]))
    assert found.tolist() == [[-1, -0.5, 1], [0, 0, 0]]


def test_pet_cgdnn_turns_by_its_phase(network):
    x = _noise("pet-cgdnn")
    with torch.no_grad():
        found = network("pet-cgdnn").features(x)
    z = torch.complex(x[:, 0], x[:, 1])
    z = z / z.abs().square().mean(dim=1, keepdim=True).sqrt()
    turned = torch.complex(found["turned"][:, 0], found["turned"][:, 1])
    assert torch.allclose(turned, z * torch.exp(-1j * found["phase"]), atol=1e-5)


def test_mldnn_mixes_probabilities(network):
    model = network("mldnn")
    with torch.no_grad():
        found = model.head.parts(model.features(_noise("mldnn"))["embedding"])
        mixed = model(_noise("mldnn")).exp()
    iq, ap, snr = (found[f"logits_{key}"].softmax(dim=1) for key in ("iq", "ap", "snr"))
    assert torch.allclose(mixed, snr[:, :1] * iq + snr[:, 1:] * ap, atol=1e-6)


def test_mldnn_judges_the_noise_without_moving_the_branches(network):
    model = network("mldnn")
    model.zero_grad()
    embedding = model.features(_noise("mldnn"))["embedding"]
    model.head.parts(embedding)["logits_snr"].sum().backward()
    assert all(weight.grad is None for weight in model.iq.parameters())
    assert model.head.classify_snr[0].weight.grad.any()


def test_ds_cldnn_multiplies_every_pair(network):
    with torch.no_grad():
        found = network("ds-cldnn").features(_noise("ds-cldnn"))
    product = torch.einsum("bi,bj->bij", found["iq"], found["ap"]).flatten(1)
    assert torch.allclose(found["embedding"], product)
