import numpy as np
import torch

from hertzian.datasets.randomness import generator


def test_draws_are_uniform_and_independent_of_each_other():
    # 400 generators of neighbouring words, the first draws of each
    first = torch.stack([torch.rand(8, generator=generator(7, n)) for n in range(400)]).numpy()
    assert np.abs(first.mean(axis=0) - 0.5).max() < 4 / (12 * 400) ** 0.5
    correlation = np.corrcoef(first[:-1].ravel(), first[1:].ravel())[0, 1]
    assert abs(correlation) < 4 / first.size**0.5


def test_every_word_counts_at_any_size():
    seeds = [(0,), (1,), (2**32,), (2**80,), (0, 1), (1, 0), (1, 0, 1)]
    draws = {torch.randn(4, generator=generator(*words)).numpy().tobytes() for words in seeds}
    assert len(draws) == len(seeds)


def test_generators_do_not_share_their_state():
    a, b = generator(1), generator(1)
    torch.randn(10, generator=a)
    assert torch.equal(torch.randn(4, generator=b), torch.randn(4, generator=generator(1)))
