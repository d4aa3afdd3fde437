"""What makes the same seed give the same bytes: generators with whole seeds."""

from hashlib import blake2b

import numpy as np
import torch

_STATE_WORDS = slice(3, 3 + 624)  # of torch's Mersenne Twister, after seed, counter and place


def generator(*words: int) -> torch.Generator:
    """Return a generator for a tuple of integers of any size; other tuples have other states.

    `torch.Generator.manual_seed` keeps 32 bits of a seed, so that among the chunks of a few large
    datasets two would be alike by chance. Here the whole state of the Mersenne Twister is set, from
    a hash of the words through NumPy's `SeedSequence`.
    """
    entropy = int.from_bytes(blake2b(repr(words).encode(), digest_size=32).digest(), "little")
    twister = np.random.MT19937(np.random.SeedSequence(entropy)).state["state"]["key"]
    drawn = torch.Generator()
    state = drawn.get_state()
    state.numpy().view(np.uint64)[_STATE_WORDS] = twister
    drawn.set_state(state)
    return drawn
