"""`ctdnn`: densely connected convolutions, then self-attention."""

import math

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import RML2016, EmbeddingClassifier
from hertzian.models.registry import register

_SAMPLES = 128
_LAYERS, _GROWTH, _KERNEL = 7, 48, 15
_WIDTH, _HEADS, _HIDDEN = 200, 2, 1024


def _conv(inputs: int, outputs: int, kernel: int, bias: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm1d(inputs),
        nn.ReLU(),
        nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=bias),
    )


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2).

    Args:
        width: of each token.
        heads: how many share it.
        dropout: share of the weights dropped.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape [batch, tokens, width]."""
        query, key, value = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        scores = torch.matmul(query, key.transpose(2, 3)) / math.sqrt(query.shape[3])
        mixed = torch.matmul(self.dropout(scores.softmax(dim=3)), value)
        joined: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return joined


class Encoder(nn.Module):
    """One layer: attention and a dense pair, each normalised before and added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.Sequential(
            nn.LayerNorm(_WIDTH), Attention(_WIDTH, _HEADS, 0.4), Dropout(0.4)
        )
        self.feed = nn.Sequential(
            nn.LayerNorm(_WIDTH),
            nn.Linear(_WIDTH, _HIDDEN),
            nn.GELU(),
            Dropout(0.1),
            nn.Linear(_HIDDEN, _WIDTH),
            Dropout(0.1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape [batch, tokens, width]."""
        x = x + self.attend(x)
        out: Tensor = x + self.feed(x)
        return out


@register(
    "ctdnn",
    published_parameters=2_577_200,
    samples=_SAMPLES,
    classes=RML2016,
    paper="Ying et al., A convolutional and transformer based deep neural network for automatic "
    "modulation classification, 2023",
)
class Ctdnn(EmbeddingClassifier):
    """A dense block of wide kernels, a 1 x 1 transition, three self-attention layers.

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 128 | |
    | 7 times, beside its input: batch norm, ReLU, convolution 48 of 15 | 338 x 128 | 737 884 |
    | batch norm, ReLU, convolution 200 of 1 | 200 x 128 | 68 476 |
    | class token in front; learned positions | 129 tokens of 200 | 26 000 |
    | 3 times: attention of 2 heads; dense 1024, GELU, dense | 129 tokens of 200 | 1 717 272 |
    | class token: layer norm, dense, ReLU, dropout 0.5 | 128 | 26 128 |
    | dense | 11 | 1 419 |

    2 577 179 parameters; Gao et al. 2023 (CrossTLNet, table 6) print 2577.2 K. This is a
    reconstruction. From the paper's abstract: dense connections, kernels of 15, the transition
    that compresses the maps, three self-attention layers. From its authors' public code
    (ChangShuoRadioRecognition, CTNet, made for another set): the order batch norm, ReLU,
    convolution without bias; class token and positions drawn from a normal distribution; layer
    norm before each part; 2 heads, 1024 hidden units, dropout 0.4 and 0.1; the classifier of 128.
    Found by no source, and chosen so that the count is met: 7 convolutions of 48 maps, the width
    of 200, biases in the attention.

    Args:
        class_count: length of the logits.
        dropout: share of the embedding dropped in training.
    """

    def __init__(self, class_count: int = len(RML2016), dropout: float = 0.5) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.blocks = nn.ModuleList(
            _conv(2 + index * _GROWTH, _GROWTH, _KERNEL, bias=False) for index in range(_LAYERS)
        )
        self.transition = _conv(2 + _LAYERS * _GROWTH, _WIDTH, 1, bias=True)
        self.token = nn.Parameter(torch.empty(1, 1, _WIDTH))
        self.position = nn.Parameter(torch.empty(1, 1 + _SAMPLES, _WIDTH))
        self.encoders = nn.Sequential(*(Encoder() for _ in range(3)))
        self.embed = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, 128), nn.ReLU())
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(128, class_count))
        initialise(self)
        nn.init.normal_(self.token)
        nn.init.normal_(self.position)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return the stages.

        Returns:
            `convolutions` [batch, 200, 128], `tokens` [batch, 129, 200] with the class token
            first, `embedding` [batch, 128].
        """
        maps = self.normalise(x)
        for block in self.blocks:
            maps = torch.cat([maps, block(maps)], dim=1)
        compressed = self.transition(maps)
        token = self.token.expand(x.shape[0], -1, -1)
        tokens = torch.cat([token, compressed.transpose(1, 2)], dim=1) + self.position
        tokens = self.encoders(tokens)
        return {
            "convolutions": compressed,
            "tokens": tokens,
            "embedding": self.embed(tokens[:, 0]),
        }
