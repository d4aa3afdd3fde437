"""SigZSLNet: features of modulations never seen, generated from their descriptions.

Tables are those of the paper. What it leaves open is ours, and said so.
"""

import torch
from torch import Tensor, nn

from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.signal.descriptions import PLACES, SYMBOLS

SEMANTIC = 64
"""Length of a semantic vector (table 1)."""

_UNITS = 256


def _pooled(inputs: int, filters: int) -> list[nn.Module]:
    return [nn.Conv1d(inputs, filters, 5), nn.MaxPool1d(5, ceil_mode=True), nn.ReLU()]


class SignalEncoder(nn.Module):
    """e(s) of table 1: four convolutions 64 of 5, each pooled by 5, and two dense layers of 64.

    Pooling takes what is left at the end too, as the printed 36 -> 8 and 4 -> 1 want it. Its
    ReLUs are ours.
    """

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()
        convolutions = [layer for inputs in (2, 64, 64, 64) for layer in _pooled(inputs, 64)]
        dense = [nn.Linear(64, SEMANTIC), nn.ReLU(), nn.Linear(SEMANTIC, SEMANTIC)]
        self.layers = nn.Sequential(*convolutions, nn.Flatten(), *dense)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, 2, 1024] to [batch, 64]."""
        found: Tensor = self.layers(self.normalise(x))
        return found


class DescriptionEncoder(nn.Module):
    """The encoder phi(t) of table 1: two convolutions 128 of 5 over the letters, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_pooled(SYMBOLS, 128), *_pooled(128, 128), nn.Flatten(), nn.Linear(128, SEMANTIC)
        )

    def forward(self, code: Tensor) -> Tensor:
        """Map coded descriptions, float32 [classes, 32, 47], to [classes, 64]."""
        found: Tensor = self.layers(code)
        return found


class JointEmbedding(nn.Module):
    """How well windows and descriptions go together, F = e(s)^T phi(t) (eq. 2).

    Args:
        codes: of the classes' descriptions, float32 [classes, 32, 47].
    """

    def __init__(self, codes: Tensor) -> None:
        super().__init__()
        self.signals = SignalEncoder()
        self.descriptions = DescriptionEncoder()
        self.codes: Tensor
        self.register_buffer("codes", codes.reshape(-1, SYMBOLS, PLACES), persistent=False)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return F [batch, classes] of float32 [batch, 2, 1024]."""
        scores: Tensor = self.signals(x) @ self.descriptions(self.codes).T
        return scores


class FeatureGan(nn.Module):
    """A generator of features from the vectors of classes, and the critic that it learns from.

    The generator is table 2's: dense 256, leaky ReLU, dense to the features. The critic there has
    no single output; ours sees features beside the vector: dense 256, leaky ReLU, dense 1. Vectors
    are brought to unit length and Gaussian noise is added to them. Inside, features are taken less
    `centre`, in units of `scale`.

    Args:
        vectors: one for each class, float32 [classes, length].
        centre: of the features, float32 [features].
        scale: one number, positive.
        noise: standard deviation of what is added to each entry of a vector.
        with_level: whether both are told a level between 0 and 1 of each window beside the vector,
            such as its SNR; ours.
    """

    def __init__(
        self, vectors: Tensor, centre: Tensor, scale: float, noise: float, *, with_level: bool
    ) -> None:
        super().__init__()
        self.noise, self.with_level = noise, with_level
        self.vectors: Tensor
        self.centre: Tensor
        self.scale: Tensor
        unit = nn.functional.normalize(vectors.float(), dim=1)
        for name, value in (("vectors", unit), ("centre", centre), ("scale", torch.tensor(scale))):
            self.register_buffer(name, value.float().clone())
        features, told = len(centre), vectors.shape[1] + int(with_level)
        self.generator = _two_layers(told, features)
        self.critic = _two_layers(features + told, 1)
        initialise(self)

    def normalised(self, features: Tensor) -> Tensor:
        """Return features [batch, features] as generator and critic have them."""
        return (features - self.centre) / self.scale

    def draw(self, labels: Tensor, level: Tensor) -> Tensor:
        """Return one normalised feature vector for each label, int64 [batch], from new noise.

        `level` is float32 [batch], and counts where the network is told it.
        """
        vectors = self.vectors[labels]
        noisy = vectors + self.noise * torch.randn_like(vectors)
        drawn: Tensor = self.generator(self._told(noisy, level))
        return drawn

    def judge(self, features: Tensor, labels: Tensor, level: Tensor) -> Tensor:
        """Return how real normalised features of these classes look, [batch]; no limits."""
        told = torch.cat([features, self._told(self.vectors[labels], level)], dim=1)
        verdict: Tensor = self.critic(told)[:, 0]
        return verdict

    def forward(self, labels: Tensor, level: Tensor) -> Tensor:
        """Return generated features [batch, features] in the extractor's own units."""
        return self.draw(labels, level) * self.scale + self.centre

    def _told(self, vectors: Tensor, level: Tensor) -> Tensor:
        return torch.cat([vectors, level[:, None]], dim=1) if self.with_level else vectors


def _two_layers(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, _UNITS), nn.LeakyReLU(0.2), nn.Linear(_UNITS, outputs))


class FeatureClassifier(nn.Sequential):
    """The classifier of table 2 on features: dense 128, PReLU, dense to the classes.

    Args:
        features: length of its input [batch, features].
        class_count: length of the logits.
    """

    def __init__(self, features: int, class_count: int) -> None:
        super().__init__(nn.Linear(features, 128), nn.PReLU(), nn.Linear(128, class_count))
        initialise(self)
