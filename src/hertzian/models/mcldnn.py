"""`mcldnn`: three streams of convolutions, then LSTM layers."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.keras import SameConv2d
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import Image


def _causal() -> nn.Sequential:
    return nn.Sequential(nn.ConstantPad1d((7, 0), 0.0), nn.Conv1d(1, 50, 8), nn.ReLU())


@register(
    "mcldnn",
    published_parameters=406_199,
    samples=128,
    classes=RML2016,
    paper="Xu et al., A spatiotemporal multi-channel learning framework for automatic modulation "
    "recognition, 2020",
)
class McLdnn(EmbeddingClassifier):
    """I and Q together, I alone and Q alone; fused by convolutions, read by two LSTM layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | a: convolution 50 of 2 x 8, same, ReLU | 50 x 2 x 128 | 850 |
    | b: convolution 50 of 8 on I, causal, ReLU; another on Q | 50 x 128 each | 900 |
    | c: convolution 50 of 1 x 8, same, ReLU, on b (I over Q) | 50 x 2 x 128 | 20 050 |
    | convolution 100 of 2 x 5, valid, ReLU, on (a, c) | 100 x 1 x 124 | 100 100 |
    | LSTM | 124 steps of 128 | 117 760 |
    | LSTM, its last state | 128 | 132 096 |
    | dense, SELU, dropout 0.5, twice | 128 | 33 024 |
    | dense | 11 | 1 419 |

    406 199 parameters: the LSTM layers are cuDNN's, which are torch's. Source: the paper, as
    Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
        dropout: share dropped after each of the first two dense layers.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        self.both = nn.Sequential(SameConv2d(1, 50, (2, 8)), nn.ReLU())
        self.inphase = _causal()
        self.quadrature = _causal()
        self.pair = nn.Sequential(SameConv2d(50, 50, (1, 8)), nn.ReLU())
        self.fuse = nn.Sequential(nn.Conv2d(100, 100, (2, 5)), nn.ReLU())
        self.first = nn.LSTM(100, 128, batch_first=True)
        self.second = nn.LSTM(128, 128, batch_first=True)
        self.embed = nn.Sequential(
            nn.Linear(128, 128), nn.SELU(), Dropout(dropout), nn.Linear(128, 128), nn.SELU()
        )
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(128, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the stages.

        Returns:
            `convolutions` [batch, 100, 1, 124], `sequence` [batch, 124 steps, 128], `embedding`
            [batch, 128].
        """
        image = self.represent(x)
        alone = [self.inphase(image[:, :, 0]), self.quadrature(image[:, :, 1])]
        streams = [self.both(image), self.pair(torch.stack(alone, dim=2))]
        maps = self.fuse(torch.cat(streams, dim=1))
        first, _ = self.first(maps[:, :, 0].transpose(1, 2))
        sequence, _ = self.second(first)
        return {
            "convolutions": maps,
            "sequence": sequence,
            "embedding": self.embed(sequence[:, -1]),
        }
