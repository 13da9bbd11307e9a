"""Everything the simulator knows. It stays in memory: only the log is written."""

from dataclasses import dataclass

import numpy as np

from interactrank.world.catalogue import Catalogue, make_catalogue
from interactrank.world.options import WorldOptions
from interactrank.world.queries import Intents, make_intents
from interactrank.world.traffic import Traffic, make_traffic
from interactrank.world.users import Users, make_users, segment_preference, taste_columns
from interactrank.world.words import GENDER_NAMES

_POOL = 2**20


@dataclass(frozen=True)
class State:
    items: Catalogue
    users: Users
    intents: Intents
    traffic: Traffic
    taste_columns: np.ndarray
    segment_known: np.ndarray
    segment_own: np.ndarray
    popular: np.ndarray
    noise: np.ndarray

    def affinity(self, intent: int, items: np.ndarray) -> np.ndarray:
        """How well each item happens to suit an intent beyond its attributes: fixed noise, the same at every request."""
        mixed = items.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(intent * 0xC2B2AE3D27D4EB4F % 2**64)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        return self.noise[(mixed >> np.uint64(44)).astype(np.int64)]

    def segment_of(self, user: np.ndarray) -> np.ndarray:
        return self.users.country[user] * len(GENDER_NAMES) + self.users.gender[user]


def make_state(options: WorldOptions) -> State:
    rng = np.random.default_rng([options.seed, 7])
    items, users, intents = make_catalogue(options), make_users(options), make_intents(options)
    known, own = segment_preference(items, options)
    fame = items.quality + rng.gumbel(0, 1.0, items.size)
    return State(
        items=items,
        users=users,
        intents=intents,
        traffic=make_traffic(users, intents, options),
        taste_columns=taste_columns(items),
        segment_known=known,
        segment_own=own,
        popular=np.argsort(-fame, kind="stable"),
        noise=rng.standard_normal(_POOL, np.float32),
    )
