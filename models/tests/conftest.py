"""One strange log, prepared and trained once, for every test that needs a model."""
import pytest
import torch

from interactrank.experiment import DataOptions, Experiment, prepare, schema_for
from interactrank.export import BundleName, export_bundle
from interactrank.held_out import HeldOut, Period, held_out
from interactrank.logs import Log, read_log
from interactrank.model import InteractRank
from interactrank.presets import SMOKE
from interactrank.systems import system_named
from interactrank.train import TrainOptions, train
from stranger_log import write_stranger_log


@pytest.fixture(scope="session")
def log(tmp_path_factory) -> Log:
    return read_log(*write_stranger_log(tmp_path_factory.mktemp("log")))


@pytest.fixture(scope="session")
def experiment(log) -> Experiment:
    torch.set_num_threads(1)
    return prepare(log, SMOKE, DataOptions())


@pytest.fixture(scope="session")
def held(experiment) -> HeldOut:
    return held_out(experiment, Period(experiment.split.test_ms, 2**62, 80))


@pytest.fixture(scope="session")
def model(experiment) -> InteractRank:
    """InteractRank + lexical after three short epochs."""
    torch.manual_seed(0)
    system = system_named("interactrank_lexical")
    model = InteractRank(SMOKE, schema_for(experiment, system), system)
    options = TrainOptions(epochs=3, batch_requests=64)
    losses = train(model, experiment.examples, experiment.item_inputs, options, line=None)
    assert losses[-1] < losses[0]
    return model


@pytest.fixture(scope="session")
def bundle(model, experiment, held, tmp_path_factory):
    """The folder, and what the export measured."""
    directory = tmp_path_factory.mktemp("bundle")
    measured = export_bundle(model, experiment, held, label=BundleName("test", "1", "a test"), directory=directory)
    return directory, measured
