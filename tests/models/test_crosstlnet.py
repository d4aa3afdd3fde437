import numpy as np
import pytest
import torch

from hertzian.models import build, count_parameters, spec
from hertzian.models.crosstlnet import CausalConv, CrossAttention, CrossTLNet
from hertzian.signal import HertzianError


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(1)
    return CrossTLNet(5, units=12, embedding=6, samples=32).eval()


@pytest.mark.parametrize(
    ("name", "count"), [("crosstlnet", 6_760_459), ("mini-crosstlnet", 574_987)]
)
def test_parameters_are_the_published_ones(name, count):
    assert count_parameters(build(name)) == count
    assert spec(name).classes[-4:] == ("16QAM", "64QAM", "QPSK", "WBFM")


def _lstm(inputs, units):
    return 4 * units * (inputs + units + 2)


def test_parameters_of_the_ablations_are_those_of_what_is_left():
    n, m, classes, samples = 12, 6, 5, 32
    convolutions = (2 * 3 + 1) * n + 10 * ((3 * n + 1) * n + 2 * n) + 6 * 2 * n * samples
    attention = 2 * 3 * (n + 1) * n
    head = (m * m + 1) * classes
    bare = 2 * (_lstm(2, n) + _lstm(n, m)) + head
    whole = 2 * (convolutions + _lstm(n, n) + _lstm(n, m)) + attention + head

    def count(**options):
        return count_parameters(CrossTLNet(classes, n, m, samples=samples, **options))

    assert count() == whole
    assert count(tcn=False, attention=False) == bare  # A
    assert count(tcn=False) == bare + attention  # B
    assert count(attention=False) == whole - attention  # C
    one = convolutions + _lstm(n, n) + _lstm(n, m) + (m + 1) * classes
    assert count(branches=("iq",)) == count(branches=("ap",)) == one


def test_causal_convolution_is_the_dilated_sum_over_the_past():
    layer = CausalConv(3, 4, 3, 5)
    x = _noise(2, 20, 3)
    weight = layer.weight.detach()[:, :, 0].numpy()
    past = np.concatenate([np.zeros((2, 10, 3)), x.numpy()], axis=1)
    expected = layer.bias.detach().numpy() + sum(
        np.einsum("btc,oc->bto", past[:, 5 * tap : 5 * tap + 20], weight[:, :, tap])
        for tap in range(3)
    )
    assert layer(x).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_a_residual_block_never_sees_the_future(small):
    block = small.tcn["iq"][2]
    x = _noise(1, 32, 12)
    changed = x.clone()
    changed[:, 20:] += 1
    before, after = block(x), block(changed)
    assert torch.equal(before[:, :20], after[:, :20])
    assert (before[:, 20:] != after[:, 20:]).any(dim=2).all()


def test_cross_attention_is_equations_4_and_5():
    layer = CrossAttention(7)
    iq, ap = _noise(2, 5, 7, seed=1), _noise(2, 5, 7, seed=2)

    def dense(part, x):
        return x @ part.weight.detach().numpy().T + part.bias.detach().numpy()

    a, b = iq.numpy(), ap.numpy()
    alike = dense(layer.query_key[0], a) @ dense(layer.query_key[1], b).swapaxes(1, 2)
    weights = np.exp(alike / np.sqrt(7))
    to_iq = weights / weights.sum(axis=2, keepdims=True) @ dense(layer.value[1], b)
    weights = weights.swapaxes(1, 2)
    to_ap = weights / weights.sum(axis=2, keepdims=True) @ dense(layer.value[0], a)
    found = layer(iq, ap)
    assert found[0].detach().numpy() == pytest.approx(dense(layer.output[0], to_iq), abs=1e-5)
    assert found[1].detach().numpy() == pytest.approx(dense(layer.output[1], to_ap), abs=1e-5)


def test_features_lead_to_the_logits(small):
    x = _noise(3, 2, 32)
    with torch.no_grad():
        found = small.features(x)
        product = torch.einsum("bi,bj->bij", found["embedding_iq"], found["embedding_ap"])
        assert torch.allclose(found["product"], product)
        assert torch.allclose(small.head(product.flatten(1)), small(x), atol=1e-6)
    assert found["tcn_iq"].shape == found["tcn_ap"].shape == (3, 32, 12)


def test_a_turn_of_the_window_leaves_the_amplitude_to_the_ap_branch_alone():
    torch.manual_seed(2)
    x = _noise(2, 2, 32)
    turned = torch.stack([-x[:, 1], x[:, 0]], dim=1)
    model = CrossTLNet(5, 12, 6, samples=32, branches=("ap",)).eval()
    with torch.no_grad():
        seen = []
        model.tcn["ap"].register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
        model(x)
        model(turned)
    assert torch.allclose(seen[0][..., 0], seen[1][..., 0], atol=1e-6)
    step = torch.remainder(seen[1][..., 1] - seen[0][..., 1], 2 * np.pi)
    assert step.numpy() == pytest.approx(np.pi / 2, abs=1e-5)


@pytest.mark.parametrize("options", [{}, {"tcn": False}, {"branches": ("ap",)}])
def test_scale_of_the_input_changes_no_prediction(options):
    torch.manual_seed(3)
    model = CrossTLNet(5, 12, 6, samples=32, **options).eval()
    x = _noise(16, 2, 32)
    with torch.no_grad():
        expected = model(x)
        for scale in (1e-6, 1e6):
            assert torch.allclose(model(x * scale), expected, atol=1e-4)
        assert model(torch.zeros(1, 2, 32)).isfinite().all()


def test_silence_has_finite_gradients(small):
    x = torch.zeros(1, 2, 32, requires_grad=True)
    small(x).sum().backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in small.parameters())
    small.zero_grad()


@pytest.mark.parametrize("branches", [(), ("ap", "iq"), ("fft",)])
def test_other_branches_are_refused(branches):
    with pytest.raises(HertzianError, match="branches are"):
        CrossTLNet(branches=branches)
