"""`symbol-net`: one small network for every symbol, averaged over the window."""

from torch import Tensor, nn

from hertzian.models.initialise import initialise
from hertzian.models.layers import Normalise
from hertzian.models.published import EmbeddingClassifier
from hertzian.models.registry import register
from hertzian.models.sigzsl_cnn import SEVEN
from hertzian.signal import HertzianError


@register("symbol-net", samples=1024, classes=SEVEN)
class SymbolNet(EmbeddingClassifier):
    """A filter that learns the pulse, dense layers on each symbol, their mean (deep sets).

    | layer | output | parameters |
    | --- | --- | --- |
    | I and Q, unit power | 2 x 1024 | |
    | convolution 8 of 65, every 8th sample | 8 x 128 | 1 048 |
    | convolution 128 of 1, ReLU | 128 x 128 | 1 152 |
    | 2 times the same | 128 x 128 | 33 024 |
    | mean, times 8 | 128 | |
    | dense, ReLU | 128 | 16 512 |
    | dense | 7 | 903 |

    52 639 parameters; ours. For windows whose symbols keep one timing: their order says nothing, so
    that their mean has all there is to know, as a likelihood is a sum over symbols (Zaheer et al.,
    Deep sets, 2017).

    Args:
        class_count: length of the logits.
        samples_per_symbol: the step from one symbol to the next.

    Raises:
        HertzianError: less than a sample a symbol.
    """

    def __init__(self, class_count: int = len(SEVEN), samples_per_symbol: int = 8) -> None:
        super().__init__()
        if samples_per_symbol < 1:
            raise HertzianError("symbol-net takes a sample per symbol or more")
        reach = 4 * samples_per_symbol
        self.normalise = Normalise()
        self.filter = nn.Conv1d(2, 8, 2 * reach + 1, stride=samples_per_symbol, padding=reach)
        layers: list[nn.Module] = []
        for inputs in (8, 128, 128):
            layers += [nn.Conv1d(inputs, 128, 1), nn.ReLU()]
        self.symbols = nn.Sequential(*layers)
        self.embed = nn.Sequential(nn.Linear(128, 128), nn.ReLU())
        self.head = nn.Linear(128, class_count)
        initialise(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return `symbols` [batch, 128, symbols] and `embedding` [batch, 128]."""
        symbols = self.symbols(self.filter(self.normalise(x)))
        # a mean of many ReLUs is small beside what the dense layer's first weights expect
        return {"symbols": symbols, "embedding": self.embed(8 * symbols.mean(dim=2))}
