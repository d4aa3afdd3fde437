"""`gru2`: two gated recurrent layers over I and Q."""

from torch import Tensor, nn

from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.recurrent import GRU
from hertzian.models.registry import register


@register(
    "gru2",
    published_parameters=151_179,
    samples=128,
    classes=RML2016,
    paper="Hong, Zhang and Xu, Automatic modulation classification using recurrent neural "
    "networks, 2017",
)
class Gru2(EmbeddingClassifier):
    """Two GRU layers; the last state decides.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 128 steps of 2 | |
    | GRU | 128 steps of 128 | 50 688 |
    | GRU, its last state | 128 | 99 072 |
    | dense | 11 | 1 419 |

    151 179 parameters: the recurrent layers are cuDNN's, 3 units (inputs + units + 2) each, which
    are torch's. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
    """

    def __init__(self, class_count: int = len(RML2016)) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.recurrent = GRU(2, 128, num_layers=2, batch_first=True)
        self.head = nn.Linear(128, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `sequence` [batch, 128 steps, 128] and its last step, `embedding`."""
        sequence, last = self.recurrent(self.normalise(x).transpose(1, 2))
        return {"sequence": sequence, "embedding": last[-1]}
