import os
from functools import partial
from pathlib import Path

import pytest
import torch

from hertzian.datasets.jobs import on_threads, run_jobs


def note(folder, number):
    """Leave a file that says in which process, and on how many threads."""
    Path(folder, str(number)).write_text(f"{os.getpid()} {torch.get_num_threads()}")


def fail(folder):
    raise ValueError(folder)


def noted(folder):
    return [tuple(map(int, (folder / str(n)).read_text().split())) for n in range(3)]


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_run_on_one_thread_each_and_are_told_in_order(tmp_path, workers):
    with on_threads(2):
        jobs = [partial(note, tmp_path, number) for number in range(3)]
        assert list(run_jobs(jobs, workers)) == [1, 2, 3]
        assert torch.get_num_threads() == 2
    assert {threads for _, threads in noted(tmp_path)} == {1}
    assert all((process == os.getpid()) == (workers == 1) for process, _ in noted(tmp_path))


def test_one_job_needs_no_process(tmp_path):
    assert list(run_jobs([partial(note, tmp_path, 0)], 8)) == [1]
    assert (tmp_path / "0").read_text() == f"{os.getpid()} 1"
    assert list(run_jobs([], 8)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_jobs_error_comes_through(tmp_path, workers):
    with pytest.raises(ValueError, match="here"):
        list(run_jobs([partial(fail, "here"), partial(note, tmp_path, 1)], workers))


@pytest.mark.parametrize(("asked", "meanwhile"), [(3, 3), (None, 2)])
def test_the_number_of_threads_is_what_it_was_afterwards(asked, meanwhile):
    def ask_and_fail():
        with on_threads(asked):
            assert torch.get_num_threads() == meanwhile
            raise KeyError

    with on_threads(2):
        with pytest.raises(KeyError):
            ask_and_fail()
        assert torch.get_num_threads() == 2
