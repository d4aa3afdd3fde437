"""`cldnn2`: four convolutions, an LSTM over their maps, dense layers (Liu et al. 2017)."""

from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.published import RML2016, EmbeddingClassifier, last_state
from hertzian.models.registry import register
from hertzian.models.representation import Image


@register(
    "cldnn2",
    published_parameters=517_643,
    samples=128,
    classes=RML2016,
    paper="Liu, Yang and El Gamal, Deep neural network architectures for modulation "
    "classification, 2017",
)
class Cldnn2(EmbeddingClassifier):
    """Four convolutions and an LSTM whose steps are the 80 maps.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power | 1 x 2 x 128 | |
    | convolution 256 of 1 x 3, valid, ReLU, dropout 0.5 | 256 x 2 x 126 | 1 024 |
    | convolution 256 of 2 x 3, likewise | 256 x 1 x 124 | 393 472 |
    | convolution 80 of 1 x 3, likewise | 80 x 1 x 122 | 61 520 |
    | convolution 80 of 1 x 3, likewise | 80 x 1 x 120 | 19 280 |
    | LSTM over the maps, its last state | 50 | 34 400 |
    | dense, ReLU, dropout 0.5 | 128 | 6 528 |
    | dense | 11 | 1 419 |

    517 643 parameters: the LSTM is cuDNN's, which is torch's, and takes 120 inputs, so its steps
    are maps and time is what each sees; it is no recurrence in time. The code of Zhang et al.
    2022, whose channels come last, reshapes (120, 80) to (80, 120), which mixes maps and times;
    here the axes are exchanged instead, and all else is as there.

    Args:
        class_count: length of the logits.
        dropout: share dropped after each convolution and the first dense layer.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.represent = Image()
        layers: list[nn.Module] = []
        inputs = 1
        for filters, height in ((256, 1), (256, 2), (80, 1), (80, 1)):
            layers += [nn.Conv2d(inputs, filters, (height, 3)), nn.ReLU(), Dropout(dropout)]
            inputs = filters
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = nn.LSTM(120, 50, batch_first=True)
        self.embed = nn.Sequential(nn.Linear(50, 128), nn.ReLU())
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(128, class_count))
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `convolutions` [batch, 80, 1, 120], `steps` (80 x 120), `embedding` (128)."""
        maps = self.convolutions(self.represent(x))
        steps = maps[:, :, 0]
        embedding = self.embed(last_state(self.recurrent, steps))
        return {"convolutions": maps, "steps": steps, "embedding": embedding}
