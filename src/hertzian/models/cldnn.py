"""`cldnn`: convolutions, an LSTM over their maps, dense layers (West and O'Shea 2017)."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import he_normal, initialise
from hertzian.models.published import RML2016, EmbeddingClassifier, last_state
from hertzian.models.registry import register
from hertzian.models.representation import Image


def _conv(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ZeroPad2d((2, 2, 0, 0)), nn.Conv2d(inputs, 50, (1, 8)), nn.ReLU())


@register(
    "cldnn",
    published_parameters=164_433,
    samples=128,
    classes=RML2016,
    paper="West and O'Shea, Deep architectures for modulation recognition, 2017",
)
class Cldnn(EmbeddingClassifier):
    """Three convolutions, the first joined to the last, and an LSTM whose steps are the maps.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | a: pad 2 + 2; convolution 50 of 1 x 8, valid, ReLU, dropout 0.5 | 50 x 2 x 125 | 450 |
    | likewise | 50 x 2 x 122 | 20 050 |
    | b: likewise | 50 x 2 x 119 | 20 050 |
    | a beside b along time; LSTM over the maps, its last state | 50 | 108 000 |
    | dense, ReLU, dropout 0.5 | 256 | 13 056 |
    | dense | 11 | 2 827 |

    164 433 parameters: the LSTM is cuDNN's, which is torch's. Each of its 50 steps sees one map's
    I then Q over all time (488 values), as in the published code, whose channels come first; it
    is no recurrence in time. Dense layers He normal. Source: the paper, as Zhang et al. 2022
    built it.

    Args:
        class_count: length of the logits.
        dropout: share dropped after each convolution and the first dense layer.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        self.dropout = Dropout(dropout)
        self.first, self.second, self.third = _conv(1), _conv(50), _conv(50)
        self.recurrent = nn.LSTM(2 * (125 + 119), 50, batch_first=True)
        dense = nn.Linear(50, 256)
        output = nn.Linear(256, class_count)
        self.embed = nn.Sequential(dense, nn.ReLU())
        self.head = nn.Sequential(Dropout(dropout), output)
        initialise(self)
        he_normal(dense, output)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 50, 2, 119], `steps` (50 x 488), `embedding` (256)."""
        first = self.dropout(self.first(self.represent(x)))
        third = self.dropout(self.third(self.dropout(self.second(first))))
        steps = torch.cat([first, third], dim=3).flatten(2)
        embedding = self.embed(last_state(self.recurrent, steps))
        return {"convolutions": third, "steps": steps, "embedding": embedding}
