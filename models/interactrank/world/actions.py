"""Impressions to events: position bias, clicks, what follows a click, and the log's columns."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from interactrank.world.impressions import Impressions
from interactrank.world.options import WorldOptions
from interactrank.world.state import State
from interactrank.world.users import LANGUAGES
from interactrank.world.words import COUNTRY_NAMES, DEVICE_NAMES, GENDER_NAMES

_UNKNOWN_SHARE = 0.03


@dataclass(frozen=True)
class Events:
    """Rows of the log as numbers of impressions, with time and action."""

    impression: np.ndarray
    time_ms: np.ndarray
    action: np.ndarray


def act(state: State, shown: Impressions, options: WorldOptions) -> Events:
    rng = np.random.default_rng([options.seed, 8])
    weights, at = options.weights, state.traffic.time_ms[shown.request]
    examined = (1.0 + shown.position) ** -weights.position_bias
    clicked = np.flatnonzero(rng.random(len(at)) < examined * expit(shown.utility - weights.threshold))
    click_at = at[clicked] + rng.integers(2_000, 9_000, len(clicked)) + 4_000 * shown.position[clicked]
    quality = state.items.quality[shown.item[clicked]]
    long = rng.random(len(clicked)) < expit(-0.9 + 0.9 * quality + 0.35 * shown.utility[clicked])
    short = ~long & (rng.random(len(clicked)) < 0.6)
    saved = rng.random(len(clicked)) < expit(-3.6 + 0.8 * shown.personal[clicked])
    after = rng.integers(30_000, 240_000, len(clicked))
    quick = rng.integers(1_500, 9_000, len(clicked))
    parts = [
        (np.arange(len(at)), at, "impression"),
        (clicked, click_at, "click"),
        (clicked[long], (click_at + after)[long], "long_click"),
        (clicked[short], (click_at + quick)[short], "short_click"),
        (clicked[saved], (click_at + np.where(long, after // 2, quick // 2))[saved], "save"),
    ]
    impression = np.concatenate([part[0] for part in parts])
    time_ms = np.concatenate([part[1] for part in parts])
    action = np.concatenate([np.full(len(part[0]), number) for number, part in enumerate(parts)])
    order = np.lexsort((action, impression, time_ms))
    names = np.array([part[2] for part in parts], object)
    return Events(impression[order], time_ms[order], pd.Categorical.from_codes(action[order], names))


def log_table(state: State, shown: Impressions, events: Events, options: WorldOptions) -> pd.DataFrame:
    """The events in the log schema. Some users keep country or gender to themselves."""
    rng = np.random.default_rng([options.seed, 9])
    users, request = state.users, shown.request[events.impression]
    user = state.traffic.user[request]
    user_ids = rng.choice(np.arange(100_000, 999_999), len(users.country), replace=False)
    hidden = rng.random((2, len(users.country))) < _UNKNOWN_SHARE
    text = pd.Categorical(state.traffic.text)
    return pd.DataFrame(
        {
            "time": events.time_ms,
            "user": user_ids[user],
            "query": pd.Categorical.from_codes(text.codes[request], text.categories),
            "item": state.items.ids[shown.item[events.impression]],
            "action": events.action,
            "request_id": request + 1,
            "position": shown.position[events.impression],
            "country": _names(np.where(hidden[0], -1, users.country)[user], COUNTRY_NAMES),
            "gender": _names(np.where(hidden[1], -1, users.gender)[user], GENDER_NAMES),
            "device": _names(users.device[user], DEVICE_NAMES),
            "language": _names(users.language[user], LANGUAGES),
        }
    )


def _names(codes: np.ndarray, names: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, names)
