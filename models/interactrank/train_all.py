"""Several systems of one run. Those with towers of their own train side by side, a process each.

Processes and not threads: the products of a step are small, and every operation would wait for the slower thread (on two busy
cores a step took five times as long on two threads as on one). What a process trains does not depend on what runs beside it.
"""
import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence

import torch

from interactrank.runs import Run, train_system
from interactrank.systems import System

# A forked process has the prepared experiment without a copy; without fork, one system follows the other.
CAN_FORK = "fork" in multiprocessing.get_all_start_methods()


def train_all(run: Run, systems: Sequence[System], *, workers: int | None = None) -> Iterator[System]:
    """Yields each system once it is trained. `workers`: processes, as many as cores unless given."""
    torch.set_num_threads(1)  # also because a forked process waits forever for the threads that it does not have
    owners = [system for system in systems if system.towers == system.name and not run.checkpoint(system).is_file()]
    workers = min(workers or os.cpu_count() or 1, len(owners)) if CAN_FORK else 1
    if workers > 1:
        _train_beside(run, owners, workers)
    for system in systems:
        train_system(run, system)
        yield system


def _train_beside(run: Run, systems: Sequence[System], workers: int) -> None:
    """Whoever is done takes the next one. A process that fails is not replaced: the loop above repeats its error, or its work."""
    context = multiprocessing.get_context("fork")
    following = context.Value("i", 0)

    def work(line: int) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            while (number := take()) < len(systems):
                train_system(run, systems[number], line=line)

    def take() -> int:
        with following.get_lock():
            following.value += 1
            return following.value - 1

    processes = [context.Process(target=work, args=(line,), daemon=True) for line in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
