"""Several systems of one run: what is trained does not depend on what is trained beside it."""
import torch

from interactrank.runs import RunPlan, start_run
from interactrank.systems import SYSTEMS
from interactrank.train_all import train_all
from stranger_log import write_stranger_log

TWO_TOWERS_AND_A_FUSION = (SYSTEMS[0], SYSTEMS[3], SYSTEMS[4])


def trained(plan: RunPlan, directory, workers: int) -> dict[str, dict[str, torch.Tensor]]:
    run = start_run(plan, directory)
    names = [system.name for system in train_all(run, TWO_TOWERS_AND_A_FUSION, workers=workers)]
    assert names == [system.name for system in TWO_TOWERS_AND_A_FUSION]
    return {system.name: torch.load(run.checkpoint(system), weights_only=True) for system in TWO_TOWERS_AND_A_FUSION}


def test_systems_trained_side_by_side_are_those_trained_one_after_the_other(tmp_path):
    events, items = write_stranger_log(tmp_path, rows=60)
    plan = RunPlan(events, items, "smoke", 0)
    alone, beside = (trained(plan, tmp_path / str(workers), workers) for workers in (1, 2))
    for name, state in alone.items():
        assert all(torch.equal(value, beside[name][key]) for key, value in state.items())
