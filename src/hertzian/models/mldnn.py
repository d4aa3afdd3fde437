"""`mldnn`: I/Q and amplitude/phase branches, weighed by an estimate of the noise."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.recurrent import GRU
from hertzian.models.registry import register
from hertzian.models.representation import AmplitudePhase, Image
from hertzian.signal import HertzianError

_STEPS = 122


class Branch(nn.Module):
    """Three convolutions, a bidirectional GRU, and a sum over its weighted steps.

    The step attention fusion network weighs each step by squeeze and excitation (Hu et al. 2018)
    of the steps' mean maps.

    Args:
        dropout: share dropped after each convolution and between the GRU's layers.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, filters, height in ((1, 256, 1), (256, 256, 1), (256, 80, 2)):
            layers += [nn.Conv2d(inputs, filters, (height, 3)), nn.ReLU(), Dropout(dropout)]
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = GRU(
            80, 50, num_layers=2, dropout=dropout, batch_first=True, bidirectional=True
        )
        self.weigh = nn.Sequential(
            nn.Linear(_STEPS, _STEPS // 16, bias=False),
            nn.ReLU(),
            nn.Linear(_STEPS // 16, _STEPS, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps [batch, 80, 1, 122] and their sum [batch, 100] of [batch, 1, 2, 128]."""
        maps = self.convolutions(x)
        steps = maps[:, :, 0].transpose(1, 2)
        states, _ = self.recurrent(steps)
        weights = self.weigh(steps.mean(dim=2))
        return maps, (states * weights[:, :, None]).sum(dim=1)


class Mixture(nn.Module):
    """Two classifiers, and a third that says which of the two to believe.

    Args:
        class_count: length of the logits.
        dropout: share dropped in each.

    Raises:
        HertzianError: one class: a mixture of probabilities can't stand for a quantity.
    """

    def __init__(self, class_count: int, dropout: float) -> None:
        super().__init__()
        if class_count < 2:
            raise HertzianError("mldnn mixes probabilities, which needs 2 classes or more")
        self.classify_iq = _classifier(class_count, dropout)
        self.classify_ap = _classifier(class_count, dropout)
        self.classify_snr = _classifier(2, dropout)

    def forward(self, embedding: Tensor) -> Tensor:
        """Return the logarithm of the mixed probabilities of [batch, 200]: [batch, classes]."""
        found = self.parts(embedding)
        belief = torch.log_softmax(found["logits_snr"], dim=1)
        low = torch.log_softmax(found["logits_iq"], dim=1) + belief[:, :1]
        high = torch.log_softmax(found["logits_ap"], dim=1) + belief[:, 1:]
        return torch.logaddexp(low, high)

    def parts(self, embedding: Tensor) -> dict[str, Tensor]:
        """Return `logits_iq`, `logits_ap` [batch, classes], `logits_snr` [batch, 2] (low, high)."""
        iq, ap = embedding.chunk(2, dim=1)
        return {
            "logits_iq": self.classify_iq(iq),
            "logits_ap": self.classify_ap(ap),
            "logits_snr": self.classify_snr((iq + ap).detach()),
        }


def _classifier(outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(100, 256), nn.ReLU(), Dropout(dropout), nn.Linear(256, outputs))


@register(
    "mldnn",
    published_parameters=899_250,
    samples=128,
    classes=RML2016,
    paper="Chang et al., Multitask-learning-based deep neural network for automatic modulation "
    "classification, 2021",
)
class Mldnn(EmbeddingClassifier):
    """Each branch classifies; a third classifier says which of the two to believe.

    | layer | output | parameters |
    | --- | --- | --- |
    | I over Q, unit power; amplitude (unit length) over phase / pi | 1 x 2 x 128 each | |
    | on each: convolution 256 of 1 x 3, valid, ReLU, dropout 0.5 | 256 x 2 x 126 | 2 048 |
    | convolution 256 of 1 x 3, likewise | 256 x 2 x 124 | 393 728 |
    | convolution 80 of 2 x 3, likewise | 80 x 1 x 122 | 245 920 |
    | GRU in both directions, 2 layers, dropout 0.5 between | 122 steps of 100 | 170 400 |
    | step attention: dense 122 -> 7, ReLU, dense 7 -> 122, sigmoid, no biases; sum | 100 | 3 416 |
    | on each: dense 256, ReLU, dropout 0.5, dense | 11 | 57 366 |
    | on their sum (no gradient): dense 256, ReLU, dropout 0.5, dense | 2 | 26 370 |

    899 248 parameters; Gao et al. 2023 (CrossTLNet, table 6) print 899.25 K. The logits are
    log(p_low p_iq + p_high p_ap), with p_low and p_high the third classifier's belief in a low
    and a high SNR, so that cross-entropy on them is the published loss of the merged answer; the
    other three losses take what `head.parts` returns. Source: the paper and its author's public
    code (ChangShuoRadioRecognition), which draws the weights of convolutions and GRU as here.

    Args:
        class_count: length of the logits.
        dropout: share dropped.
    """

    head: Mixture

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.image = Image()
        self.amplitude_phase = AmplitudePhase()
        self.iq, self.ap = Branch(dropout), Branch(dropout)
        self.head = Mixture(class_count, dropout)
        initialise(self, per_gate=True)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the branches.

        Returns:
            `convolutions`, `convolutions_ap` [batch, 80, 1, 122], `iq`, `ap` [batch, 100],
            `embedding` [batch, 200] of both.
        """
        iq_maps, iq = self.iq(self.image(x))
        ap_maps, ap = self.ap(self.amplitude_phase(x)[:, None])
        return {
            "convolutions": iq_maps,
            "convolutions_ap": ap_maps,
            "iq": iq,
            "ap": ap,
            "embedding": torch.cat([iq, ap], dim=1),
        }
