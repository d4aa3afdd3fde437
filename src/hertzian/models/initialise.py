"""First weights as Keras draws them, for networks that were published in Keras.

With PyTorch's own first weights the same networks end some points lower.
"""

import math

from torch import Tensor, nn

# Standard deviation of a unit normal distribution cut off at two standard deviations.
_TRUNCATED = 0.87962566103423978


def initialise(module: nn.Module, *, per_gate: bool = False) -> None:
    """Draw every weight below a module as Keras' layers do (from torch's global generator).

    Convolutions and dense layers: Glorot uniform (Glorot and Bengio 2010, eq. 16), zero biases.
    LSTM and GRU: input weights Glorot uniform, recurrent weights orthogonal (Saxe et al. 2014),
    zero biases, the forget gate's one (Jozefowicz et al. 2015). Normalisation keeps its ones and
    zeros.

    Args:
        module: changed in place.
        per_gate: draw each gate's matrices on their own; Keras draws those of all gates as one.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.LSTM | nn.GRU):
            _initialise_recurrent(layer, per_gate)


def _initialise_recurrent(layer: nn.LSTM | nn.GRU, per_gate: bool) -> None:
    for name, weight in layer.named_parameters():
        pieces = weight.chunk(weight.shape[0] // layer.hidden_size) if per_gate else [weight]
        for piece in pieces:
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(piece)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(piece)
            else:
                nn.init.zeros_(piece)
        if isinstance(layer, nn.LSTM) and name.startswith("bias_ih"):
            # The gates lie in the order input, forget, cell, output.
            nn.init.ones_(weight[layer.hidden_size : 2 * layer.hidden_size])


def he_normal(*layers: nn.Linear | nn.Conv1d | nn.Conv2d) -> None:
    """Draw weights of variance 2 / fan-in, cut off at two deviations (He et al. 2015, eq. 10)."""
    for layer in layers:
        deviation = math.sqrt(2 / _fan_in(layer.weight)) / _TRUNCATED
        nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)


def lecun_uniform(layer: nn.Linear | nn.Conv1d | nn.Conv2d) -> None:
    """Draw uniform weights of variance 1 / fan-in (LeCun et al. 1998)."""
    limit = math.sqrt(3 / _fan_in(layer.weight))
    nn.init.uniform_(layer.weight, -limit, limit)


def _fan_in(weight: Tensor) -> int:
    return weight[0].numel()


def freeze_second_bias(layer: nn.LSTM) -> None:
    """Leave an LSTM the one bias that Keras' portable LSTM has: 4 units (units + inputs + 1).

    torch and cuDNN add two bias vectors, of which only the sum matters; the recurrent one
    becomes zero and is not trained.
    """
    for name, weight in layer.named_parameters():
        if name.startswith("bias_hh"):
            nn.init.zeros_(weight)
            weight.requires_grad_(False)
