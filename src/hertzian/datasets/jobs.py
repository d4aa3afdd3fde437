"""Work on one thread, or in several processes of one thread each."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import torch


@contextmanager
def on_threads(count: int | None) -> Iterator[None]:
    """Let torch compute on so many threads meanwhile; None leaves it as it is.

    Sums of several threads differ from those of one in the last bits.
    """
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_jobs(jobs: Sequence[Callable[[], None]], workers: int) -> Iterator[int]:
    """Do jobs, on one thread each; yield how many are done, in their order.

    Where there are several, and several workers, they are done in processes and must be picklable.
    """
    if min(workers, len(jobs)) <= 1:
        for number, job in enumerate(jobs, start=1):
            with on_threads(1):
                job()
            yield number
        return
    # a forked child could inherit a lock that one of torch's threads holds
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_one_thread) as pool:
        try:
            futures = [pool.submit(job) for job in jobs]
            for number, future in enumerate(futures, start=1):
                future.result()
                yield number
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread() -> None:
    torch.set_num_threads(1)
