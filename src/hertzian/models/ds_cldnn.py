"""`ds-cldnn`: one stream for I/Q, one for amplitude and phase, joined by their outer product."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import freeze_second_bias, initialise
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import AmplitudePhase, Image


class Stream(nn.Module):
    """Three convolutions that widen the window, two LSTM layers, the last state.

    Args:
        dropout: share dropped after each layer.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, filters, height in ((1, 256, 1), (256, 256, 2), (256, 80, 1)):
            layers += [nn.ZeroPad2d((2, 2, 0, 0)), nn.Conv2d(inputs, filters, (height, 3))]
            layers += [nn.ReLU(), Dropout(dropout)]
        self.convolutions = nn.Sequential(*layers)
        self.first = nn.LSTM(80, 100, batch_first=True)
        self.second = nn.LSTM(100, 50, batch_first=True)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps [batch, 80, 1, 134] and last state [batch, 50] of [batch, 1, 2, 128]."""
        maps = self.convolutions(x)
        first, _ = self.first(maps[:, :, 0].transpose(1, 2))
        second, _ = self.second(self.dropout(first))
        return maps, self.dropout(second[:, -1])


@register(
    "ds-cldnn",
    published_parameters=1_144_700,
    samples=128,
    classes=RML2016,
    paper="Zhang et al., Automatic modulation classification using CNN-LSTM based dual-stream "
    "structure, 2020",
)
class DsCldnn(EmbeddingClassifier):
    """Two equal streams; every pair of their features is multiplied.

    | layer | output | parameters (two streams) |
    | --- | --- | --- |
    | I over Q, unit power; amplitude (unit length) over phase / pi | 1 x 2 x 128 each | |
    | pad 2 + 2; convolution 256 of 1 x 3, valid, ReLU, dropout 0.5 | 256 x 2 x 130 | 2 048 |
    | pad 2 + 2; convolution 256 of 2 x 3, likewise | 256 x 1 x 132 | 786 944 |
    | pad 2 + 2; convolution 80 of 1 x 3, likewise | 80 x 1 x 134 | 123 040 |
    | LSTM, dropout 0.5 | 134 steps of 100 | 144 800 |
    | LSTM, its last state, dropout 0.5 | 50 | 60 400 |
    | outer product | 50 x 50 | |
    | dense | 11 | 27 511 |

    1 144 743 parameters; Gao et al. 2023 (CrossTLNet, table 6) print 1144.7 K. The LSTM layers
    have Keras' one bias: 4 units (inputs + units + 1). Source: the paper (134 steps of 80); its
    padding and dropout as in the public code of S. Chang (ChangShuoRadioRecognition).

    Args:
        class_count: length of the logits.
        dropout: share dropped after each convolution and LSTM layer.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.image = Image()
        self.amplitude_phase = AmplitudePhase()
        self.iq, self.ap = Stream(dropout), Stream(dropout)
        self.head = nn.Linear(50 * 50, class_count)
        initialise(self)
        for stream in (self.iq, self.ap):
            freeze_second_bias(stream.first)
            freeze_second_bias(stream.second)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the streams.

        Returns:
            `convolutions`, `convolutions_ap` [batch, 80, 1, 134], `iq`, `ap` [batch, 50],
            `embedding` [batch, 2500], their outer product.
        """
        iq_maps, iq = self.iq(self.image(x))
        ap_maps, ap = self.ap(self.amplitude_phase(x)[:, None])
        product = (iq[:, :, None] * ap[:, None, :]).flatten(1)
        return {
            "convolutions": iq_maps,
            "convolutions_ap": ap_maps,
            "iq": iq,
            "ap": ap,
            "embedding": product,
        }
