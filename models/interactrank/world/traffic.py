"""Who searches when, in what mood, and for what: sessions of a few requests."""

from dataclasses import dataclass

import numpy as np

from interactrank.world.options import DAY_MS, START_MS, WorldOptions
from interactrank.world.queries import Intents
from interactrank.world.typed import typed_text
from interactrank.world.users import Users
from interactrank.world.words import CATEGORIES, COUNTRIES, DEPARTMENT_OF, GENDER_NAMES

_ROWS_AT_ONCE = 4_000
_LOCAL_HOUR = np.array([1, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 6, 7, 7, 6, 6, 7, 8, 10, 12, 13, 12, 8, 4], float)


@dataclass(frozen=True)
class Traffic:
    """One line per request, by time. `intent` is what is meant, `text` what was typed."""

    user: np.ndarray
    time_ms: np.ndarray
    mood: np.ndarray
    intent: np.ndarray
    text: list[str]


def make_traffic(users: Users, intents: Intents, options: WorldOptions) -> Traffic:
    rng = np.random.default_rng([options.seed, 5])
    session, user, time_ms = _sessions(rng, users, options)
    day = (time_ms - START_MS) / DAY_MS
    mood = users.mood_at(user, day)
    intent = _choose_intents(rng, users, intents, _Asking(session, user, mood, day))
    segment = users.country[user] * len(GENDER_NAMES) + users.gender[user]
    text = [typed_text(rng, intents.surfaces[i]) for i in intent]
    return Traffic(user, time_ms, mood, intents.meaning[intent, segment], text)


def _sessions(rng: np.random.Generator, users: Users, options: WorldOptions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sizes = np.minimum(rng.geometric(0.4, options.requests), 8)
    session = np.repeat(np.arange(options.requests), sizes)[: options.requests]
    sessions = int(session[-1]) + 1
    user, day = _visits(rng, users, sessions, options)
    zone = np.array([c[2] for c in COUNTRIES.values()])[users.country[user]]
    hour = (rng.choice(24, sessions, p=_LOCAL_HOUR / _LOCAL_HOUR.sum()) - zone) % 24
    begin = START_MS + day * DAY_MS + ((hour + rng.random(sessions)) * 3_600_000).astype(np.int64)
    gaps = rng.integers(40_000, 240_000, options.requests)
    first = np.concatenate([[True], session[1:] != session[:-1]])
    elapsed = np.cumsum(np.where(first, 0, gaps))
    time_ms = begin[session] + elapsed - np.maximum.accumulate(np.where(first, elapsed, 0))
    time_ms = np.minimum(time_ms, START_MS + options.days * DAY_MS - 1_000_000)
    order = np.argsort(time_ms, kind="stable")
    return session[order], user[session][order], time_ms[order]


def _visits(rng: np.random.Generator, users: Users, sessions: int, options: WorldOptions) -> tuple[np.ndarray, np.ndarray]:
    """User and whole day of each session. People come when something is on their mind: soon after a mood began."""
    owner = np.repeat(np.arange(options.users), np.diff(users.mood_offsets))
    urge = users.activity[owner] * rng.lognormal(0, 1.5, len(owner))
    mood = rng.choice(len(owner), sessions, p=urge / urge.sum())
    end = np.append(users.mood_start[1:], options.days)
    end[users.mood_offsets[1:] - 1] = options.days
    begin = np.maximum(users.mood_start[mood], 0)
    day = np.minimum(begin + rng.exponential(1.5, sessions), np.maximum(end[mood] - 0.01, begin))
    return owner[mood], day.astype(np.int64)


@dataclass(frozen=True)
class _Asking:
    session: np.ndarray
    user: np.ndarray
    mood: np.ndarray
    day: np.ndarray


def _choose_intents(rng: np.random.Generator, users: Users, intents: Intents, asking: _Asking) -> np.ndarray:
    """One intent for each request: popularity, plus what the session is about, plus the mood."""
    first = np.array([intent.categories[0] for intent in intents.intents])
    style = np.array([intent.style for intent in intents.intents])
    colour = np.array([intent.colour for intent in intents.intents])
    lean = np.array([category.lean for category in CATEGORIES])[first]
    towards = np.array([{"f": 0.7, "m": -0.7}.get(name, 0.0) for name in GENDER_NAMES])
    share = np.array([category.share for category in CATEGORIES])
    focus = rng.choice(len(CATEGORIES), int(asking.session.max()) + 1, p=share / share.sum())
    in_mood = rng.random(len(focus)) < 0.5
    chosen = np.empty(len(asking.user), np.int64)
    for start in range(0, len(chosen), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        user, mood, session = asking.user[rows], asking.mood[rows], asking.session[rows]
        logit = rng.gumbel(size=(len(user), len(first))).astype(np.float32)
        logit += intents.weight.astype(np.float32)
        department = np.where(in_mood[session], users.mood_department[mood], DEPARTMENT_OF[focus[session]])
        logit += 2.5 * (DEPARTMENT_OF[first] == department[:, None]) + 1.2 * (first == focus[session][:, None])
        logit += 0.9 * (style == users.mood_style[mood][:, None]) + 0.6 * (colour == users.mood_colour[mood][:, None])
        logit += towards[users.gender[user]][:, None] * lean
        logit[asking.day[rows][:, None] < intents.start_day] = -np.inf
        chosen[rows] = logit.argmax(axis=1)
    return chosen
