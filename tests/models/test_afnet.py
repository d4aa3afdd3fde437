import numpy as np
import pytest
import torch

from hertzian.models import build, count_parameters, spec
from hertzian.models.afnet import AdaptiveFusion, AFNet, Fusion


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _trained(model):
    """Give batch norms the statistics that training leaves: folding them must not be a no-op."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return model


def test_parameters_are_the_sum_of_the_table():
    c = 48
    fusion = c * (c // 16) + c // 16 + (c // 16) * 2 * c + 2 * c
    unit = c * c // 2 * 3 + c * c * 5 + 2 * 2 * c + 2 * fusion
    total = 2 * c * 7 + 2 * c + 9 * unit + (c + 1) * 11
    model = build("afnet")
    assert count_parameters(model) == total == 147_377
    assert f"{total:,}".replace(",", " ") in AFNet.__doc__
    assert spec("afnet").classes[6:8] == ("4PAM", "16QAM")


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_fusion_is_equations_4_and_5(alpha):
    layer = Fusion(32, alpha)
    first, second = _noise(3, 32, 1, 10, seed=1), _noise(3, 32, 1, 10, seed=2)

    def dense(part, x):
        return x @ part.weight.detach().numpy().T + part.bias.detach().numpy()

    a, b = first.numpy(), second.numpy()
    hidden = np.maximum(dense(layer.squeeze, (a + b).mean(axis=(2, 3))), 0)
    scores = dense(layer.excite, hidden)
    share = 1 / (1 + np.exp(scores[:, 32:] - scores[:, :32]))[:, :, None, None]
    expected = alpha * (share * a + (1 - share) * b)
    assert layer(first, second).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_a_fresh_unit_of_equal_weights_adds_its_input_as_a_residual_block_does():
    unit = AdaptiveFusion(16).eval()
    for fusion in (unit.scales, unit.skip):
        torch.nn.init.zeros_(fusion.excite.weight)
        torch.nn.init.zeros_(fusion.excite.bias)
    x = _noise(2, 16, 1, 20)
    expected = x + (unit.small(x) + unit.large(x)) / 2
    assert torch.allclose(unit(x), expected, atol=1e-6)


def test_reach_of_the_two_branches():
    unit = AdaptiveFusion(16).eval()
    x = torch.zeros(1, 16, 1, 41)
    step = x.clone()
    step[..., 20] = 1
    for branch, reach in ((unit.small[0], 1), (unit.large[0], 4)):
        changed = (branch(step) != branch(x)).any(dim=1)[0, 0].nonzero()[:, 0]
        assert (int(changed.min()), int(changed.max())) == (20 - reach, 20 + reach)


def test_scale_of_the_input_changes_no_logit():
    torch.manual_seed(1)
    model = _trained(build("afnet")).eval()
    x = _noise(8, 2, 128)
    with torch.no_grad():
        expected = model(x)
        for scale in (1e-6, 1e6):
            assert torch.allclose(model(x * scale), expected, atol=1e-4)
        embedding = model.features(x)["embedding"]
        assert torch.allclose(model.head(embedding), expected)
