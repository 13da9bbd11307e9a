"""Recipes: how much of everything one command spends. `demo` makes the committed bundle, `smoke` proves the way within a minute."""
from dataclasses import dataclass, replace

from interactrank.dataset import Sampling
from interactrank.experiment import DataOptions
from interactrank.presets import DEMO, MOVIES, PAPER, SMOKE, ModelConfig
from interactrank.train import TrainOptions
from interactrank.world.options import PRESETS as WORLDS
from interactrank.world.options import WorldOptions


@dataclass(frozen=True)
class Recipe:
    """`held_out_max`: requests that the evaluation ranks."""

    world: WorldOptions
    model: ModelConfig
    data: DataOptions
    training: TrainOptions
    held_out_max: int


_DEMO = Recipe(
    world=WORLDS["full"],
    model=DEMO,
    data=DataOptions(),
    training=TrainOptions(),
    held_out_max=3000,
)

_SMOKE = Recipe(
    world=WORLDS["tiny"],
    model=SMOKE,
    data=DataOptions(requests_max=2000, slots=24, sampling=Sampling(lexical=6, popular=2, random=2)),
    training=TrainOptions(epochs=2, batch_requests=64),
    held_out_max=200,
)

RECIPES = {
    "demo": _DEMO,
    "movies": replace(
        _DEMO, model=MOVIES, data=DataOptions(requests_max=20_000, test_share=0.02), training=TrainOptions(epochs=2)
    ),
    "smoke": _SMOKE,
    "paper": replace(_SMOKE, model=PAPER),
}


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    return replace(
        recipe,
        data=replace(recipe.data, seed=seed, sampling=replace(recipe.data.sampling, seed=seed)),
        training=replace(recipe.training, seed=seed),
    )
