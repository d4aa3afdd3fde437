"""Causal convolutions of three taps with two thirds of the products, for training on processors."""

from typing import Any

import torch
from torch import Tensor


def causal_convolution(x: Tensor, weight: Tensor, bias: Tensor, dilation: int) -> Tensor:
    """Return y[t] = bias + w_0 x[t - 2 d] + w_1 x[t - d] + w_2 x[t], with x = 0 before the first.

    Winograd's minimal filtering F(2, 3): of samples a, b, c, e that lie d apart, two outputs take
    the four products (a - c) u_0, (b + c) u_1, (c - b) u_2 and (b - e) u_3 instead of six, with
    u = w_0, (w_0 + w_1 + w_2) / 2, (w_0 - w_1 + w_2) / 2, w_2. Gradients go the same way back.
    Rounding errors are a few times those of the sum itself. Winograd (1980); Lavin and Gray, Fast
    algorithms for convolutional neural networks, 2016, section 4.1.

    Args:
        x: float [batch, samples, inputs]; samples are a multiple of 2 d.
        weight: float [outputs, inputs, 3], the oldest sample's first.
        bias: float [outputs].
        dilation: d.

    Returns:
        [batch, samples, outputs].
    """
    oldest, middle, newest = weight.unbind(2)
    ends, half = (oldest + newest) / 2, middle / 2
    filters = torch.stack([oldest, ends + half, ends - half, newest]).transpose(1, 2).contiguous()
    found: Tensor = _Filter.apply(x, filters, bias, dilation)  # type: ignore[no-untyped-call]
    return found


class _Filter(torch.autograd.Function):
    """The products and what is before and after them; `filters` are u, [4, inputs, outputs].

    Samples d apart are neighbours in [batch, pairs, 2, d, channels]; in a pair come c and e, and in
    the pair before it a and b.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor, bias: Tensor, dilation: int) -> Tensor:
        batch, samples, inputs = x.shape
        outputs = filters.shape[2]
        pairs = samples // (2 * dilation)
        first, second = x.reshape(batch, pairs, 2, dilation, inputs).unbind(2)
        spread = x.new_empty(4, batch, pairs, dilation, inputs)
        torch.sub(first[:, :-1], first[:, 1:], out=spread[0][:, 1:])
        torch.add(second[:, :-1], first[:, 1:], out=spread[1][:, 1:])
        torch.sub(first[:, 1:], second[:, :-1], out=spread[2][:, 1:])
        torch.sub(second[:, :-1], second[:, 1:], out=spread[3][:, 1:])
        # zeros lie before the first pair
        torch.neg(first[:, 0], out=spread[0][:, 0])
        spread[1][:, 0].copy_(first[:, 0])
        spread[2][:, 0].copy_(first[:, 0])
        torch.neg(second[:, 0], out=spread[3][:, 0])
        spread = spread.view(4, -1, inputs)
        products = x.new_empty(4, spread.shape[1], outputs)
        for place in (0, 2, 3):
            torch.mm(spread[place], filters[place], out=products[place])
        # the second product is in both outputs, and so takes the bias there
        torch.addmm(bias, spread[1], filters[1], out=products[1])
        parts = products.view(4, batch, pairs, dilation, outputs)
        y = x.new_empty(batch, pairs, 2, dilation, outputs)
        torch.add(parts[0], parts[1], out=y[:, :, 0]).add_(parts[2])
        torch.sub(parts[1], parts[2], out=y[:, :, 1]).sub_(parts[3])
        ctx.save_for_backward(spread, filters)
        ctx.dilation = dilation
        return y.view(batch, samples, outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        spread, filters = ctx.saved_tensors
        (gradient,) = gradients
        batch, samples, outputs = gradient.shape
        inputs = filters.shape[1]
        pairs = samples // (2 * ctx.dilation)
        first, second = gradient.reshape(batch, pairs, 2, ctx.dilation, outputs).unbind(2)
        of_parts = gradient.new_empty(4, batch, pairs, ctx.dilation, outputs)
        of_parts[0].copy_(first)
        torch.add(first, second, out=of_parts[1])
        torch.sub(first, second, out=of_parts[2])
        torch.neg(second, out=of_parts[3])
        of_products = of_parts.view(4, -1, outputs)
        of_filters = torch.empty_like(filters)
        of_spread = torch.empty_like(spread)
        for place in range(4):
            torch.mm(spread[place].t(), of_products[place], out=of_filters[place])
            torch.mm(of_products[place], filters[place].t(), out=of_spread[place])
        parts = of_spread.view(4, batch, pairs, ctx.dilation, inputs)
        of_x = gradient.new_empty(batch, pairs, 2, ctx.dilation, inputs)
        of_first, of_second = of_x.unbind(2)
        torch.add(parts[1], parts[2], out=of_first).sub_(parts[0])
        torch.neg(parts[3], out=of_second)
        # what a pair was to the next one
        following = parts[:, :, 1:]
        of_first[:, :-1].add_(following[0])
        of_second[:, :-1].add_(following[3]).add_(following[1]).sub_(following[2])
        return of_x.view(batch, samples, inputs), of_filters, of_products[1].sum(dim=0), None
