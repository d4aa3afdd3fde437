"""IQCLNet: convolutions and LSTM over I/Q, and a classifier of its own for 16QAM and 64QAM."""

import torch
from torch import Tensor, nn

from hertzian.datasets.published import RML2016_10A
from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.layers import ConvBlock, Normalise, complex_product
from hertzian.models.published import EmbeddingClassifier, last_state
from hertzian.models.registry import register
from hertzian.signal import HertzianError, canonical

CLASSES = tuple(canonical(name) for name in RML2016_10A.modulations)
QAMS = (CLASSES.index("16QAM"), CLASSES.index("64QAM"))
UNITS, EXPERTS = 128, 6
_FLOOR = 1e-3


class ExpertFeatures(nn.Module):
    """What a window of unit mean power says of its constellation: [batch, 6], no weights.

    With M_pq = mean of x^(p-q) conj(x)^q: log M_42, log M_63, log M_84 (noise-free 16QAM has
    M_42 = 1.32, 64QAM 1.38), |M_20|, |M_40| and mean |x|. From such moments the cumulants of
    Swami and Sadler (2000) are sums.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Describe float [batch, 2, samples]."""
        power = x.square().sum(dim=1)
        square = complex_product(x, x)
        fourth = complex_product(square, square)
        higher = [power.pow(order).mean(dim=1) for order in (2, 3, 4)]
        return torch.stack(
            [
                *(torch.log(moment + _FLOOR) for moment in higher),
                torch.linalg.vector_norm(square.mean(dim=2), dim=1),
                torch.linalg.vector_norm(fourth.mean(dim=2), dim=1),
                torch.linalg.vector_norm(x, dim=1).mean(dim=1),
            ],
            dim=1,
        )


class Divided(nn.Module):
    """A dense layer, of whose classes a dedicated classifier tells two apart by expert features.

    Args:
        class_count: length of the logits.
        pair: places of these two; None does without.
        dropout: share dropped of what the dense layer sees.
    """

    def __init__(self, class_count: int, pair: tuple[int, int] | None, dropout: float) -> None:
        super().__init__()
        self.pair = pair
        self.dropout = Dropout(dropout)
        self.dense = nn.Linear(UNITS, class_count)
        self.dedicated = (
            nn.Sequential(nn.Linear(EXPERTS, 32), nn.ReLU(), nn.Linear(32, 1)) if pair else None
        )

    def forward(self, embedding: Tensor) -> Tensor:
        """Return logits [batch, classes] of [batch, 128 + 6]."""
        state, experts = embedding[:, :UNITS], embedding[:, UNITS:]
        logits: Tensor = self.dense(self.dropout(state))
        if self.pair is None or self.dedicated is None:
            return logits
        first, second = self.pair
        either = torch.logaddexp(logits[:, first], logits[:, second])
        choice = self.dedicated(experts)[:, 0]
        columns = list(logits.unbind(dim=1))
        columns[first] = either + nn.functional.logsigmoid(choice)
        columns[second] = either + nn.functional.logsigmoid(-choice)
        return torch.stack(columns, dim=1)


@register(
    "iqclnet",
    samples=RML2016_10A.samples,
    classes=CLASSES,
    class_options={"pair": QAMS},
    paper="Wang, Fan, Fang, Cui and Cheng, A Joint Automatic Modulation Classification Scheme in "
    "Spatial Cognitive Communication, Sensors 22(17), 2022",
)
class IQCLNet(EmbeddingClassifier):
    """IQCLNet, as table 1 of CrossTLNet's paper describes it: 122 636 parameters, ours.

    "I/Q; CNN + LSTM + expert feature method for QAMs", with "dedicated classifiers to
    differentiate between QAM16 and QAM64". No count is published; all sizes are ours.

    | layer | output | source |
    | --- | --- | --- |
    | I/Q at unit mean power | [2, samples] | I/Q; power ours |
    | conv 2 -> 64, kernel 7; conv 64 -> 64, kernel 5; batch norm, ReLU each | [64, samples] | CNN |
    | LSTM 64 -> 128, its last output; dropout 0.5 | [128] | LSTM |
    | dense | [classes] | |
    | moments of the window, dense 6 -> 32, ReLU, dense 32 -> 1 | [1] | expert features |

    The last number d divides what the network gives the two QAMs together: with s = log(e^z_16 +
    e^z_64), their logits become s + log sigmoid(d) and s + log sigmoid(-d). So the network says
    whether it is one of the two, and the dedicated classifier which; both learn from one loss.

    Args:
        class_count: length of the logits.
        pair: places of the two classes that the dedicated classifier tells apart; None does
            without. For the classes of RML2016.10a the registry takes 16QAM and 64QAM.

    Raises:
        HertzianError: a pair outside the classes.
    """

    def __init__(
        self, class_count: int = len(CLASSES), pair: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        if pair is not None and not (pair[0] != pair[1] and set(pair) <= set(range(class_count))):
            raise HertzianError(f"a pair of {class_count} classes is two of them, not {pair}")
        self.normalise = Normalise()
        self.convolutions = nn.Sequential(ConvBlock(2, 64, 7), ConvBlock(64, 64, 5))
        self.lstm = nn.LSTM(64, UNITS, batch_first=True)
        self.experts = ExpertFeatures()
        self.head = Divided(class_count, pair, 0.5)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the LSTM's `state` [batch, 128], the `experts` [batch, 6], both as `embedding`."""
        x = self.normalise(x)
        image = x[:, :, None].contiguous(memory_format=torch.channels_last)
        sequence = self.convolutions(image)[:, :, 0].transpose(1, 2)
        state, experts = last_state(self.lstm, sequence), self.experts(x)
        embedding = torch.cat([state, experts], dim=1)
        return {"state": state, "experts": experts, "embedding": embedding}
