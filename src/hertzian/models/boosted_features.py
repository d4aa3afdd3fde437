"""`boosted-features`: statistics that the literature recognises windows by, and boosted trees."""

import math

import torch
from torch import Tensor, nn

from hertzian.datasets.possible import MODULATIONS
from hertzian.models.layers import Dft, Normalise
from hertzian.models.registry import register
from hertzian.models.representation import phase
from hertzian.signal import HertzianError

_SAMPLES = 256
_FEWEST = 8
_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_LAGS = 8
_BINS = 16
_TINY = 1e-12  # a floor: exporters leave out what is added and so small


class ClassicalFeatures(nn.Module):
    """Some hundred numbers of a window, as recognisers before networks took them.

    float [batch, 2, samples] at any scale -> [batch, `count`]:

    - cumulants of orders 2 and 4, in modulus and, for a known phase, as they are (Swami and Sadler,
      Hierarchical digital modulation classification using cumulants, 2000); moments of orders 6
      and 8;
    - shape and quantiles of envelope and instantaneous frequency (Azzouz and Nandi, Automatic
      identification of digital modulation types, 1995);
    - spectrum and autocorrelation;
    - cyclic features: the largest lines of |x|^2, x^2 and x^4 and where they lie (Gardner,
      Exploitation of spectral redundancy in cyclostationary signals, 1991).

    Args:
        samples: length of a window.

    Raises:
        HertzianError: fewer than 8.
    """

    def __init__(self, samples: int) -> None:
        super().__init__()
        if samples < _FEWEST:
            raise HertzianError(f"classical features want {_FEWEST} samples, not {samples}")
        self.samples = samples
        self.radix = math.isqrt(samples - 1) + 1
        self.normalise = Normalise()
        self.transform = Dft(self.radix)
        self.count = int(self(torch.zeros(1, 2, samples)).shape[1])

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of float [batch, 2, samples]."""
        x = self.normalise(x)
        powers = {1: x}
        for order in (2, 3, 4):
            powers[order] = _product(powers[order - 1], x)
        turn = phase(_product(x[..., 1:], _conjugate(x[..., :-1]))) / math.pi
        envelope = _modulus(x)
        parts = [
            _cumulants(powers),
            _shape(envelope),
            _shape(turn),
            _shape(turn.abs()),
            self._spectrum(x),
            _autocorrelation(x),
            self._lines(powers),
        ]
        return torch.cat(parts, dim=1)

    def _spectrum(self, x: Tensor) -> Tensor:
        """Return log power in equal bins, [batch, bins]."""
        power = self._transformed(x).square().sum(dim=1)
        bins = min(_BINS, power.shape[1])
        kept = power[:, : power.shape[1] // bins * bins]
        means = kept.reshape(-1, bins, kept.shape[1] // bins).mean(dim=2)
        return (means / self.samples).clamp(min=_TINY).log()

    def _lines(self, powers: dict[int, Tensor]) -> Tensor:
        """Return height and place of the largest line of |x|^2, x^2 and x^4, [batch, 6]."""
        square = powers[1].square().sum(dim=1, keepdim=True)
        steady = square - square.mean(dim=2, keepdim=True)
        found = []
        bins = self.radix**2
        whole = torch.cat([steady, torch.zeros_like(steady)], dim=1)
        # the spectrum of what is real has every line twice
        for one, last in ((whole, bins // 2 + 1), (powers[2], bins), (powers[4], bins)):
            height, place = _modulus(self._transformed(one))[:, :last].max(dim=1)
            found += [height / self.samples, place.to(height.dtype) / bins]
        return torch.stack(found, dim=1)

    def _transformed(self, x: Tensor) -> Tensor:
        """Return the spectrum [batch, 2, radix^2], with zeros after the window."""
        padded: Tensor = self.transform(nn.functional.pad(x, (0, self.radix**2 - self.samples)))
        return padded


class BoostedTrees(nn.Module):
    """Sums of decision trees, each of one class: float [batch, features] -> [batch, classes].

    Trees are complete: from node k the way leads to 2 k + 1 where the feature is at most the
    threshold, to 2 k + 2 otherwise. They are grown elsewhere; fresh ones say nothing, and leave the
    few numbers of `base` that come from torch's global generator.

    Args:
        features: numbers that a tree may look at.
        class_count: length of the answer.
        rounds: trees of each class.
        depth: questions that a tree asks at most.
    """

    def __init__(self, features: int, class_count: int, rounds: int, depth: int) -> None:
        super().__init__()
        self.features, self.class_count = features, class_count
        self.rounds, self.depth = rounds, depth
        trees, nodes = rounds * class_count, 2**depth - 1
        self.base = nn.Parameter(0.01 * torch.randn(class_count))
        self.leaves = nn.Parameter(torch.zeros(trees, nodes + 1))
        self.feature: Tensor
        self.threshold: Tensor
        self.register_buffer("feature", torch.zeros(trees, nodes, dtype=torch.int64))
        self.register_buffer("threshold", torch.zeros(trees, nodes))

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of the trees of each class."""
        trees, nodes = self.feature.shape
        first = torch.arange(trees, device=x.device) * nodes
        node = torch.zeros_like(x[:, :1], dtype=torch.int64).expand(-1, trees)
        for _ in range(self.depth):
            asked = (first + node).flatten()
            feature = self.feature.flatten()[asked].view(-1, trees)
            threshold = self.threshold.flatten()[asked].view(-1, trees)
            node = 2 * node + 1 + (x.gather(1, feature) > threshold).long()
        leaf = (torch.arange(trees, device=x.device) * (nodes + 1) + node - nodes).flatten()
        said = self.leaves.flatten()[leaf].view(-1, self.rounds, self.class_count)
        return self.base + said.sum(dim=1)


@register("boosted-features", samples=_SAMPLES, classes=MODULATIONS)
class BoostedFeatures(nn.Module):
    """Classical features and gradient-boosted trees, the route before networks; ours.

    Of the logits' numbers, six bases and 64 leaves of each tree are counted as parameters; the
    questions, which were found by search, are not. They are grown by scikit-learn's histogram
    gradient boosting, by the stage `train-boosted` of a recipe.

    Args:
        class_count: length of the logits.
        samples: length of a window.
        rounds: trees of each class.
        depth: questions that a tree asks at most.
    """

    def __init__(
        self,
        class_count: int = len(MODULATIONS),
        samples: int = _SAMPLES,
        rounds: int = 150,
        depth: int = 6,
    ) -> None:
        super().__init__()
        self.describe = ClassicalFeatures(samples)
        self.trees = BoostedTrees(self.describe.count, class_count, rounds, depth)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of float32 [batch, 2, samples] at any scale."""
        logits: Tensor = self.trees(self.describe(x))
        return logits

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `embedding` [batch, features]."""
        return {"embedding": self.describe(x)}


def _product(x: Tensor, y: Tensor) -> Tensor:
    """Return the complex product of [batch, 2, samples] each."""
    real = x[:, 0] * y[:, 0] - x[:, 1] * y[:, 1]
    return torch.stack([real, x[:, 0] * y[:, 1] + x[:, 1] * y[:, 0]], dim=1)


def _conjugate(x: Tensor) -> Tensor:
    return torch.stack([x[:, 0], -x[:, 1]], dim=1)


def _modulus(x: Tensor) -> Tensor:
    """Return |x| of [batch, 2, ...], with a gradient of no use and no NaN at zero."""
    return x.square().sum(dim=1).clamp(min=_TINY).sqrt()


def _cumulants(powers: dict[int, Tensor]) -> Tensor:
    """Return cumulants and moments of windows of unit power, [batch, 14]."""
    x, square, fourth = powers[1], powers[2], powers[4]
    power = x.square().sum(dim=1)
    second, fourth_mean = square.mean(dim=2), fourth.mean(dim=2)
    c40 = fourth_mean - 3 * _product(second[:, :, None], second[:, :, None])[:, :, 0]
    c41 = (square * power[:, None]).mean(dim=2) - 3 * second
    m42 = power.square().mean(dim=1)
    sixth, weighted = _product(fourth, square).mean(dim=2), fourth * power[:, None]
    found = [
        *(_modulus(x.mean(dim=2)), _modulus(second), *second.unbind(1)),
        *(_modulus(c40), *c40.unbind(1), _modulus(c41)),
        *(m42 - second.square().sum(dim=1) - 2, _modulus(sixth), _modulus(weighted.mean(dim=2))),
        power.pow(3).mean(dim=1) - 9 * m42 + 12,  # a cumulant where the second is zero
        *(_modulus(_product(fourth, fourth).mean(dim=2)), power.pow(4).mean(dim=1)),
    ]
    return torch.stack(found, dim=1)


def _shape(values: Tensor) -> Tensor:
    """Return mean, deviation, skewness, kurtosis and quantiles of each row, [batch, 11]."""
    mean = values.mean(dim=1, keepdim=True)
    away = values - mean
    deviation = away.square().mean(dim=1, keepdim=True).clamp(min=_TINY).sqrt()
    moments = [(away / deviation).pow(k).mean(dim=1, keepdim=True) for k in (3, 4)]
    ordered = values.sort(dim=1).values
    places = [round(share * (values.shape[1] - 1)) for share in _QUANTILES]
    return torch.cat([mean, deviation, *moments, ordered[:, places]], dim=1)


def _autocorrelation(x: Tensor) -> Tensor:
    """Return the mean of x[n + lag] x*[n], [batch, 2 lags]."""
    lags = range(1, min(_LAGS, x.shape[2] - 1) + 1)
    means = [_product(x[..., lag:], _conjugate(x[..., :-lag])).mean(dim=2) for lag in lags]
    return torch.cat(means, dim=1)
