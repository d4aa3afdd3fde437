"""CrossTLNet and its small form: two views of a window, TCN and LSTM each, joined by attention."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hertzian.datasets.published import RML2016_10A
from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.registry import register
from hertzian.models.representation import amplitude, phase
from hertzian.models.winograd import causal_convolution
from hertzian.signal import HertzianError, canonical

SAMPLES = RML2016_10A.samples
CLASSES = tuple(canonical(name) for name in RML2016_10A.modulations)
PAPER = (
    "Gao, Hu, Li, Wang and Ghannouchi, CrossTLNet: A Multitask-Learning-Empowered Neural Network "
    "with Temporal Convolutional Network-Long Short-Term Memory for Automatic Modulation "
    "Classification, Electronics 12(22), 2023"
)
DILATIONS = (2, 4, 8, 16, 32)
"""Of the residual blocks; the stem before them has dilation 1 (sec. 2.3)."""

FEWEST_CHANNELS = 192
"""From which on a convolution is faster by Winograd's products than by oneDNN, on two cores."""

Branch = Literal["iq", "ap"]
BRANCHES: tuple[Branch, ...] = ("iq", "ap")


class CausalConv(nn.Conv2d):
    """Convolution over time whose output n sees inputs 0 .. n alone.

    float [batch, samples, inputs] -> [batch, samples, outputs]. As a channels-last `Conv2d` it
    leaves that layout, which layer norm and LSTM want, as it is, and runs fastest on CPUs. Wide
    ones of three taps train faster still in single precision, by `causal_convolution`.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(inputs, outputs, (1, kernel), dilation=(1, dilation))
        self.past = (kernel - 1) * dilation

    def forward(self, x: Tensor) -> Tensor:
        """Convolve along the second axis; zeros lie before the first sample."""
        if self._fast(x):
            assert self.bias is not None
            return causal_convolution(x, self.weight[:, :, 0], self.bias, self.dilation[1])
        padded = nn.functional.pad(x, (0, 0, self.past, 0))
        return super().forward(padded[:, None].permute(0, 3, 1, 2)).permute(0, 2, 3, 1)[:, 0]

    def _fast(self, x: Tensor) -> bool:
        return (
            self.training
            and torch.is_grad_enabled()
            and x.device.type == "cpu"
            and x.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
            and self.kernel_size[1] == 3
            and min(self.in_channels, self.out_channels) >= FEWEST_CHANNELS
            and x.shape[1] % (2 * self.dilation[1]) == 0
        )


class _Block(nn.Module):
    """Two causal convolutions beside an identity: x + f(f(x)), f = ReLU, layer norm, convolution.

    Args:
        units: N.
        dilation: of both.
    """

    def __init__(self, units: int, dilation: int) -> None:
        super().__init__()
        self.first = CausalConv(units, units, 3, dilation)
        self.first_norm = nn.LayerNorm(units)
        self.second = CausalConv(units, units, 3, dilation)
        self.second_norm = nn.LayerNorm(units)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape [batch, samples, units]."""
        y = torch.relu(self.first_norm(self.first(x)))
        y = torch.relu(self.second_norm(self.second(y)))
        return x + y


class TemporalConvolutions(nn.Sequential):
    """A stem and five residual blocks, a layer norm over (samples, N) after each of the six.

    float [batch, samples, 2] -> [batch, samples, N]. The convolutions are causal; the norms over
    whole windows are not.
    """

    def __init__(self, samples: int, units: int) -> None:
        layers: list[nn.Module] = [CausalConv(2, units, 3), nn.LayerNorm((samples, units))]
        for dilation in DILATIONS:
            layers += [_Block(units, dilation), nn.LayerNorm((samples, units))]
        super().__init__(*layers)


class CrossAttention(nn.Module):
    """Each branch becomes a mean of the other's values, weighted by how alike the two are.

    Eq. 4: S = QK_iq QK_ap^T. Eq. 5: A_iq = dense(softmax(S / sqrt(N)) V_ap), A_ap the same with
    S^T and V_iq; one dense layer makes query and key. The softmax runs over the axis that the
    product then sums, so that the weights of every output sum to one.

    Args:
        units: N.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.query_key = nn.ModuleList(nn.Linear(units, units) for _ in BRANCHES)
        self.value = nn.ModuleList(nn.Linear(units, units) for _ in BRANCHES)
        self.output = nn.ModuleList(nn.Linear(units, units) for _ in BRANCHES)
        self.scale = 1 / math.sqrt(units)

    def forward(self, iq: Tensor, ap: Tensor) -> tuple[Tensor, Tensor]:
        """Keep both shapes [batch, samples, units]."""
        query, key = self.query_key[0](iq) * self.scale, self.query_key[1](ap)
        alike = torch.matmul(query, key.transpose(1, 2))
        from_ap = torch.matmul(alike.softmax(dim=2), self.value[1](ap))
        from_iq = torch.matmul(alike.transpose(1, 2).softmax(dim=2), self.value[0](iq))
        return self.output[0](from_ap), self.output[1](from_iq)


@register(
    "crosstlnet", published_parameters=6_760_500, samples=SAMPLES, classes=CLASSES, paper=PAPER
)
class CrossTLNet(nn.Module):
    """CrossTLNet (Gao et al. 2023), 6 760 459 parameters; 574 987 with 64 and 32 units.

    | layer | output | source |
    | --- | --- | --- |
    | I/Q at unit mean power; amplitude and phase (atan2) | 2 x [samples, 2] | eq. 2; power: ours |
    | causal conv 2 -> N, kernel 3, layer norm (samples, N) | 2 x [samples, N] | sec. 2.3, count |
    | 5 x: causal conv N -> N, kernel 3, layer norm N, ReLU, twice, plus input; \
layer norm (samples, N); dilations 2 4 8 16 32 | 2 x [samples, N] | sec. 2.3, fig. 3, count |
    | dropout 0.5, LSTM N -> N, dropout 0.5 | 2 x [samples, N] | stage 2 |
    | cross-attention: dense N -> N for query and key, value, output | 2 x [samples, N] | eq. 4-5 |
    | dropout 0.5, LSTM N -> M, its last output, dropout 0.5 | 2 x [M] | stage 4 |
    | outer product, dense | [M, M], [classes] | eq. 3 |

    "Count": the text leaves it open, and this choice gives both printed numbers of parameters
    (6760.5 K and 575.0 K). LSTMs have two bias vectors for the same reason. The published
    ablations are arguments: A is `tcn=False, attention=False`, B `tcn=False`, C `attention=False`;
    without the TCN the LSTM takes the two inputs as they are. With one branch (fig. 9) there is
    nothing to attend to and no product: the dense layer takes its M numbers. First weights are
    those of Keras, in which the paper's were trained.

    Args:
        class_count: length of the logits.
        units: N, of the TCN, the first LSTM and the attention.
        embedding: M, of the second LSTM.
        tcn: whether there are temporal convolutions.
        attention: whether two branches see each other before the second LSTM.
        branches: "iq", "ap" or both, in this order.
        samples: window length.
        dropout: share dropped in training.

    Raises:
        HertzianError: other branches than these.
    """

    def __init__(
        self,
        class_count: int = len(CLASSES),
        units: int = 256,
        embedding: int = 128,
        *,
        tcn: bool = True,
        attention: bool = True,
        branches: Sequence[Branch] = BRANCHES,
        samples: int = SAMPLES,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if tuple(branches) not in (("iq",), ("ap",), BRANCHES):
            raise HertzianError(f"branches are ('iq',), ('ap',) or both, not {branches!r}")
        self.branches = tuple(branches)
        self.normalise = Normalise()
        self.tcn = nn.ModuleDict(
            {name: TemporalConvolutions(samples, units) for name in branches if tcn}
        )
        width = units if tcn else 2
        self.first = nn.ModuleDict(
            {name: nn.LSTM(width, units, batch_first=True) for name in branches}
        )
        both = self.branches == BRANCHES
        self.attention = CrossAttention(units) if attention and both else None
        self.second = nn.ModuleDict(
            {name: nn.LSTM(units, embedding, batch_first=True) for name in branches}
        )
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(embedding**2 if both else embedding, class_count)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of float32 [batch, 2, samples] at any scale."""
        return self.features(x)["logits"]

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return what distillation compares and what the output block sees, for each branch b.

        - `tcn_b` [batch, samples, N]: after the temporal convolutions (F of eq. 6), if any;
        - `embedding_b` [batch, M]: the output of stage 4 (fig. 12), before dropout;
        - `product` [batch, M, M]: Y of eq. 3, with two branches;
        - `logits` [batch, classes]: Z of eq. 8.
        """
        found: dict[str, Tensor] = {}
        x = self.normalise(x)
        views = {"iq": x, "ap": torch.stack([amplitude(x), phase(x)], dim=1)}
        sequences = []
        for name in self.branches:
            sequence = views[name].transpose(1, 2).contiguous()
            if self.tcn:
                sequence = found[f"tcn_{name}"] = self.tcn[name](sequence)
                sequence = self.dropout(sequence)
            sequences.append(self.dropout(self.first[name](sequence)[0]))
        if self.attention is not None:
            sequences = list(self.attention(*sequences))
        for name, sequence in zip(self.branches, sequences, strict=True):
            # the last hidden state, rather than a slice of all: the other outputs aren't kept
            _, (state, _) = self.second[name](self.dropout(sequence))
            found[f"embedding_{name}"] = state[0]
        last = [self.dropout(found[f"embedding_{name}"]) for name in self.branches]
        joined = last[0]
        if len(last) == 2:
            product = last[0][:, :, None] * last[1][:, None, :]
            found["product"] = product
            joined = product.flatten(1)
        found["logits"] = self.head(joined)
        return found


@register(
    "mini-crosstlnet", published_parameters=575_000, samples=SAMPLES, classes=CLASSES, paper=PAPER
)
def mini_crosstlnet(class_count: int = len(CLASSES)) -> CrossTLNet:
    """Build the student of sec. 2.5: N = 64, M = 32."""
    return CrossTLNet(class_count, units=64, embedding=32)
