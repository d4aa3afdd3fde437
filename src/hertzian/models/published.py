"""What the published networks share: the sets they were made for, the way to the logits.

What the papers leave open is as in the public Keras code of Zhang et al., Deep learning based
automatic modulation recognition: models, datasets, and challenges, 2022 ("Zhang et al. 2022"),
down to the number of parameters. All normalise each window first, which that code does not.
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from hertzian.datasets import published
from hertzian.signal import canonical

RML2016 = tuple(map(canonical, published.RML2016_10A.modulations))
"""Labels of RML2016.10a in the order of the literature (alphabetical in its own spelling)."""

RML2018 = tuple(map(canonical, published.RML2018_01A.modulations))
"""Labels of RML2018.01A in the order of its file."""

RADCOM = tuple(map(canonical, published.RADCOM_DYNAMIC.modulations))
"""Modulations of RadComDynamic and of the set off the air."""

RADCOM_PROTOCOLS = published.RADCOM_DYNAMIC.protocols

RADCOM_PAPER = (
    "Jagannath and Jagannath, Multi-task learning approach for modulation and wireless signal "
    "classification for 5G and beyond: edge deployment via model compression, 2022"
)


class EmbeddingClassifier(nn.Module, ABC):
    """A network whose logits are its `head` on the feature `embedding`."""

    head: nn.Module

    @abstractmethod
    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return named tensors of float32 [batch, 2, samples]; one is `embedding`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of float32 [batch, 2, samples] at any scale."""
        logits: Tensor = self.head(self.features(x)["embedding"])
        return logits


def last_state(layer: nn.LSTM | nn.GRU, x: Tensor) -> Tensor:
    """Return what a recurrent layer holds after [batch, steps, inputs]: [batch, units]."""
    last = layer(x)[1]
    state: Tensor = last[0] if isinstance(layer, nn.LSTM) else last
    return state[-1]
