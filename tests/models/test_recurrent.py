import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from hertzian.models.recurrent import GRU


def _pair(*sizes, **options):
    torch.manual_seed(0)
    ours, theirs = GRU(*sizes, **options), nn.GRU(*sizes, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def _outcome(layer, x, low=False):
    """Return outputs and gradients of a loss that weighs every output differently."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        sequence, last = layer(x)
    shares = torch.arange(sequence.numel()).reshape(sequence.shape).cos()
    loss = (sequence.float() * shares).sum() + (
        last.float() * shares.flatten()[: last[0].numel()].reshape(last[0].shape)
    ).sum()
    gradients = torch.autograd.grad(loss, [x, *layer.parameters()])
    return [sequence, last, *gradients]


@pytest.mark.parametrize("steps", [1, 2, 9])
@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((3, 5), {}),
        ((1, 1), {"batch_first": True}),
        ((4, 7), {"num_layers": 3, "batch_first": True}),
        ((4, 7), {"num_layers": 2, "bidirectional": True}),
    ],
)
def test_outputs_and_gradients_are_those_of_torch(sizes, options, steps):
    ours, theirs = _pair(*sizes, **options)
    shape = (5, steps) if options.get("batch_first") else (steps, 5)
    x = torch.randn(*shape, sizes[0])
    for found, expected in zip(_outcome(ours, x), _outcome(theirs, x), strict=True):
        assert found.shape == expected.shape
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=3e-6)


def test_gradients_are_the_slopes_of_the_outputs():
    layer = GRU(2, 3, num_layers=2, bidirectional=True).double()
    names, weights = zip(*layer.named_parameters(), strict=True)
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)

    def call(x, *weights):
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *weights))


def test_low_precision_comes_close():
    ours, theirs = _pair(8, 32, num_layers=2, batch_first=True)
    x = torch.randn(16, 20, 8)
    found, expected = _outcome(ours, x, low=True), _outcome(theirs, x)
    assert found[0].dtype == torch.float32
    for low, exact in zip(found, expected, strict=True):
        assert (low - exact).norm() < 0.02 * exact.norm()


def test_frozen_weights_and_an_input_without_gradient_are_fine():
    layer = GRU(3, 4)
    layer.bias_hh_l0.requires_grad_(False)
    layer(torch.randn(5, 2, 3))[0].sum().backward()
    assert layer.bias_hh_l0.grad is None
    assert layer.weight_hh_l0.grad is not None


def test_evaluation_and_other_calls_are_left_to_torch():
    ours, theirs = _pair(3, 4)
    x, start = torch.randn(5, 2, 3), torch.randn(1, 2, 4)
    assert torch.equal(ours(x, start)[0], theirs(x, start)[0])
    packed = pack_sequence([x[:, 0], x[:3, 1]])
    assert torch.equal(ours(packed)[0].data, theirs(packed)[0].data)
    assert torch.equal(ours.eval()(x)[0], theirs.eval()(x)[0])


def test_layers_drop_what_passes_between_them():
    layer = GRU(3, 4, num_layers=2, dropout=0.5)
    x = torch.randn(5, 2, 3)
    torch.manual_seed(1)
    first, second = layer(x)[0], layer(x)[0]
    torch.manual_seed(1)
    assert not torch.equal(first, second)
    assert torch.equal(first, layer(x)[0])
