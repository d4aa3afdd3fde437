"""`lstm2`: two LSTM layers over amplitude and phase."""

from torch import Tensor, nn

from hertzian.models.initialise import initialise
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.representation import AmplitudePhase


@register(
    "lstm2",
    published_parameters=201_099,
    samples=128,
    classes=RML2016,
    paper="Rajendran et al., Deep learning models for wireless signal classification with "
    "distributed low-cost spectrum sensors, 2018",
)
class Lstm2(EmbeddingClassifier):
    """Two LSTM layers; the last state decides.

    | layer | output | parameters |
    | --- | --- | --- |
    | amplitude (unit length) and phase / pi | 128 steps of 2 | |
    | LSTM | 128 steps of 128 | 67 584 |
    | LSTM, its last state | 128 | 132 096 |
    | dense | 11 | 1 419 |

    201 099 parameters: the recurrent layers are cuDNN's, 4 units (inputs + units + 2) each, which
    are torch's. Source: the paper, as Zhang et al. 2022 built it.

    Args:
        class_count: length of the logits.
    """

    def __init__(self, class_count: int = len(RML2016)) -> None:
        super().__init__()
        self.represent = AmplitudePhase()
        self.recurrent = nn.LSTM(2, 128, num_layers=2, batch_first=True)
        self.head = nn.Linear(128, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `sequence` [batch, 128 steps, 128] and its last step, `embedding`."""
        sequence, _ = self.recurrent(self.represent(x).transpose(1, 2))
        return {"sequence": sequence, "embedding": sequence[:, -1]}
