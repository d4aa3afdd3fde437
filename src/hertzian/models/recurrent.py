"""GRU that trains fast on a processor."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from hertzian.models.dropout import dropout


def _spread(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Split the last axis in four."""
    first, second, third, fourth = x.chunk(4, dim=-1)
    return first, second, third, fourth


class _Layer(torch.autograd.Function):
    """One layer in one direction, in torch's equations (Cho et al. 2014, reset after product).

    r, z = sigmoid(W x + b + U h + c), n = tanh(W x + b + r (U h + c)), h' = n + z (h - n).
    The products take all steps at once where they can; what is left of a step is one product of
    [batch, units] and a few elementwise operations on buffers that stay in the cache. Products
    are of type `dtype`; gates and states have the weights' type.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        input_weight: Tensor,
        weight: Tensor,
        input_bias: Tensor,
        bias: Tensor,
        reverse: bool,
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        steps, batch, inputs = x.shape
        units = weight.shape[1]
        kind = weight.dtype
        rows = x.to(dtype).reshape(steps * batch, inputs)
        # The reset gate scales the last third of the recurrent bias, the others simply add up.
        added = torch.cat([input_bias[: 2 * units] + bias[: 2 * units], input_bias[2 * units :]])
        projected = torch.addmm(added.to(dtype), rows, input_weight.t().to(dtype))
        projected = projected.view(steps, batch, 3 * units)
        recurrent = weight.t().to(dtype).contiguous()
        last_bias = bias[2 * units :]
        # Slot t holds what comes before step t, or, in reverse, what comes after it.
        states = x.new_zeros(steps + 1, batch, units, dtype=kind)
        operands = states if dtype == kind else states.to(dtype)
        gates = states.new_empty(steps, batch, 2 * units)
        candidates = states.new_empty(steps, batch, units)
        offered = states.new_empty(steps, batch, units)
        product = rows.new_empty(batch, 3 * units)
        sums = states.new_empty(batch, 3 * units)
        minus_one = states.new_tensor(-1.0)
        for step, before, after in _schedule(steps, reverse):
            torch.mm(operands[before], recurrent, out=product)
            sums.copy_(projected[step])
            both = product if dtype == kind else product.to(kind)
            torch.add(both[:, 2 * units :], last_bias, out=offered[step])
            preactivation = torch.add(sums[:, : 2 * units], both[:, : 2 * units], out=gates[step])
            reset, update = preactivation.sigmoid_().chunk(2, dim=1)
            candidate = torch.addcmul(
                sums[:, 2 * units :], reset, offered[step], out=candidates[step]
            )
            # tanh a = 2 sigmoid 2a - 1, and takes a sixth of the time.
            torch.add(minus_one, candidate.mul_(2).sigmoid_(), alpha=2, out=candidate)
            torch.lerp(candidate, states[before], update, out=states[after])
            if dtype != kind:
                operands[after].copy_(states[after])
        ctx.save_for_backward(
            rows, input_weight, weight, states, operands, gates, candidates, offered
        )
        ctx.reverse, ctx.dtype = reverse, dtype
        ctx.set_materialize_grads(False)
        if reverse:
            return states[:-1], states[0].clone()
        return states[1:], states[-1].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        rows, input_weight, weight, states, operands, gates, candidates, offered = ctx.saved_tensors
        of_sequence, of_last = gradients
        dtype: torch.dtype = ctx.dtype
        steps, batch, units = candidates.shape
        # The thirds in the order n, r, z, as below.
        recurrent = torch.cat([weight[2 * units :], weight[: 2 * units]]).to(dtype)
        # U h's n, r, z, then W x's n: so both products' gradients lie beside each other.
        kept = rows.new_empty(steps, batch, 4 * units)
        current = states.new_empty(batch, 4 * units)
        totals = torch.zeros_like(current)
        offer, reset_part, update_part, candidate_part = _spread(current)
        scratch = states.new_empty(batch, units)
        product = rows.new_empty(batch, units)
        carried = torch.zeros_like(scratch) if of_last is None else of_last.clone()
        for step, before, _ in reversed(_schedule(steps, ctx.reverse)):
            if of_sequence is not None:
                carried.add_(of_sequence[step])
            reset, update = gates[step].chunk(2, dim=1)
            candidate = candidates[step]
            torch.sub(states[before], candidate, out=scratch).mul_(carried)
            _sigmoid_backward(scratch, update, update_part)
            torch.addcmul(carried, carried, update, value=-1, out=scratch)
            _tanh_backward(scratch, candidate, candidate_part)
            torch.mul(candidate_part, offered[step], out=scratch)
            _sigmoid_backward(scratch, reset, reset_part)
            torch.mul(candidate_part, reset, out=offer)
            totals.add_(current)
            kept[step].copy_(current)
            torch.mm(kept[step, :, : 3 * units], recurrent, out=product)
            carried.mul_(update).add_(product)
        kept = kept.flatten(0, 1)
        of_recurrent, of_input = kept[:, : 3 * units], kept[:, units:]
        previous = (operands[1:] if ctx.reverse else operands[:-1]).flatten(0, 1)
        of_weight = torch.mm(of_recurrent.t(), previous).to(weight.dtype)
        of_biases = totals.sum(dim=0)
        of_x = None
        if ctx.needs_input_grad[0]:
            flat = torch.mm(of_input, input_weight.to(dtype))
            of_x = flat.view(steps, batch, -1)
        return (
            of_x,
            torch.mm(of_input.t(), rows).to(weight.dtype),
            torch.cat([of_weight[units:], of_weight[:units]]),
            of_biases[units:],
            torch.cat([of_biases[units : 3 * units], of_biases[:units]]),
            None,
            None,
        )


def _schedule(steps: int, reverse: bool) -> list[tuple[int, int, int]]:
    """Return (step, slot of the state before it, slot of the state after it) in order."""
    if reverse:
        return [(step, step + 1, step) for step in range(steps - 1, -1, -1)]
    return [(step, step, step + 1) for step in range(steps)]


def _sigmoid_backward(gradient: Tensor, output: Tensor, out: Tensor) -> None:
    torch.ops.aten.sigmoid_backward.grad_input(gradient, output, grad_input=out)


def _tanh_backward(gradient: Tensor, output: Tensor, out: Tensor) -> None:
    torch.ops.aten.tanh_backward.grad_input(gradient, output, grad_input=out)


class GRU(nn.GRU):
    """`torch.nn.GRU` with a fast training path on processors; names and results are the same.

    In training, on a processor and from zero states, one autograd function does each layer, with
    products in the type of autocast and gates and states in the weights' type. Everything else,
    export included, is torch's.
    """

    def forward(  # type: ignore[override]
        self, input: Tensor, hx: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the last layer's states and every layer's last state, as `torch.nn.GRU`."""
        fast = (
            self.training
            and hx is None
            and self.bias
            and not isinstance(input, PackedSequence)
            and input.dim() == 3
            and input.device.type == "cpu"
            and torch.is_grad_enabled()
        )
        if fast:
            found: tuple[Tensor, Tensor] = self._train(input)
            return found
        states: tuple[Tensor, Tensor] = super().forward(input, hx)
        return states

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _train(self, x: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.weight_hh_l0.dtype
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weights
        sequence = x.transpose(0, 1) if self.batch_first else x
        last = []
        with torch.autocast("cpu", enabled=False):
            for layer in range(self.num_layers):
                if layer and self.dropout:
                    sequence = dropout(sequence, self.dropout)
                found = []
                for reverse in (False, True)[: 1 + self.bidirectional]:
                    weight = self.all_weights[layer * (1 + self.bidirectional) + reverse]
                    states, state = _Layer.apply(  # type: ignore[no-untyped-call]
                        sequence, *weight, reverse, dtype
                    )
                    found.append(states)
                    last.append(state)
                sequence = torch.cat(found, dim=2) if self.bidirectional else found[0]
        return sequence.transpose(0, 1) if self.batch_first else sequence, torch.stack(last)
