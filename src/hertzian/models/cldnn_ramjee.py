"""`cldnn-ramjee`: four padded convolutions and an LSTM of one step (Ramjee et al. 2019)."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import freeze_second_bias, he_normal, initialise
from hertzian.models.published import RML2016, EmbeddingClassifier, last_state
from hertzian.models.registry import register
from hertzian.models.representation import Image

_CONVOLUTIONS = ((256, 1), (256, 2), (80, 1), (80, 1))
_PADDING = 2
_WIDTH = 128 + len(_CONVOLUTIONS) * (2 * _PADDING - 2) + 2 * _PADDING


@register(
    "cldnn-ramjee",
    published_parameters=2_741_379,
    samples=128,
    classes=RML2016,
    paper="Ramjee, Ju, Yang, Liu, El Gamal and Eldar, Fast deep learning for automatic modulation "
    "classification, 2019",
)
class CldnnRamjee(EmbeddingClassifier):
    """Four convolutions, all of their maps at once through an LSTM, dense layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | pad 2 + 2; convolution 256 of 1 x 3, valid, ReLU, dropout 0.6 | 256 x 2 x 130 | 1 024 |
    | pad 2 + 2; convolution 256 of 2 x 3, likewise | 256 x 1 x 132 | 393 472 |
    | pad 2 + 2; convolution 80 of 1 x 3, likewise | 80 x 1 x 134 | 61 520 |
    | pad 2 + 2; convolution 80 of 1 x 3, likewise; pad 2 + 2 | 80 x 1 x 140 | 19 280 |
    | LSTM, one step of all 11 200 values | 50 | 2 250 200 |
    | dense, ReLU, dropout 0.6 | 256 | 13 056 |
    | dense | 11 | 2 827 |

    2 741 379 parameters, those of the authors' public code, which the sizes follow; the paper
    prints no count. As the LSTM takes one step, its recurrent weights see zeros only: they
    are counted and never learn. Dense layers He normal.

    Args:
        class_count: length of the logits.
        dropout: share dropped after each convolution and the first dense layer.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.6) -> None:
        super().__init__()
        self.represent = Image()
        pad = nn.ZeroPad2d((_PADDING, _PADDING, 0, 0))
        layers: list[nn.Module] = []
        inputs = 1
        for filters, height in _CONVOLUTIONS:
            convolution = nn.Conv2d(inputs, filters, (height, 3))
            layers += [pad, convolution, nn.ReLU(), Dropout(dropout)]
            inputs = filters
        self.convolutions = nn.Sequential(*layers, pad)
        self.recurrent = nn.LSTM(inputs * _WIDTH, 50, batch_first=True)
        dense = nn.Linear(50, 256)
        output = nn.Linear(256, class_count)
        self.embed = nn.Sequential(dense, nn.ReLU())
        self.head = nn.Sequential(Dropout(dropout), output)
        initialise(self)
        he_normal(dense, output)
        freeze_second_bias(self.recurrent)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 80, 1, 140] and `embedding` (256)."""
        maps = self.convolutions(self.represent(x))
        embedding = self.embed(last_state(self.recurrent, maps.flatten(1)[:, None]))
        return {"convolutions": maps, "embedding": embedding}
