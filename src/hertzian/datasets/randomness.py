"""Generators seeded by all of the words that name what is drawn."""

import numpy as np
import torch

_STATE_WORDS = slice(3, 3 + 624)  # of torch's Mersenne Twister, after seed, counter and place


def generator(*words: int) -> torch.Generator:
    """Return a generator for a tuple of natural numbers of any size.

    `torch.Generator.manual_seed` keeps 32 bits of a seed, so that among the chunks of a few large
    datasets two would be alike by chance. Here the whole state comes from the words, through
    NumPy's `SeedSequence`; the stream is that of `numpy.random.MT19937`.
    """
    drawn = torch.Generator()
    state = drawn.get_state()
    twister = np.random.MT19937(np.random.SeedSequence(words)).state["state"]["key"]
    state.numpy().view(np.uint64)[_STATE_WORDS] = twister
    drawn.set_state(state)
    return drawn
