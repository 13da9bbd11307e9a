"""What the logging ranker shows, and what the users do with it."""

from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from interactrank.candidates import lexical_items
from interactrank.world.catalogue import Catalogue
from interactrank.world.options import WorldOptions
from interactrank.world.queries import Intent
from interactrank.world.state import State
from interactrank.world.words import DEVICES

_PAGES = np.array([device[1] for device in DEVICES.values()])
_PAGE_MAX = int(_PAGES.max())


@dataclass(frozen=True)
class Impressions:
    """One line per shown item. `utility` and its parts decide what happens next and are never logged."""

    request: np.ndarray
    position: np.ndarray
    item: np.ndarray
    utility: np.ndarray
    personal: np.ndarray


def show(state: State, options: WorldOptions, *, progress: bool = True) -> Impressions:
    """Requests with the same text and meaning share their candidates and everything that does not depend on the user."""
    texts = list(dict.fromkeys(state.traffic.text))
    searchable = [f"{title} {text}" for title, text in zip(state.items.titles, state.items.texts, strict=True)]
    lexical = dict(zip(texts, lexical_items(searchable, texts, options.lexical), strict=True))
    shown = []
    groups = _groups(state)
    for number, requests in enumerate(tqdm(groups, "showing results", disable=not progress, mininterval=1)):
        rng = np.random.default_rng([options.seed, 6, number])
        items = _candidates(rng, state, lexical[state.traffic.text[requests[0]]], options)
        shown.append(_show_group(rng, state, options, requests, items))
    joined = Impressions(*(np.concatenate(parts) for parts in zip(*(vars(s).values() for s in shown), strict=True)))
    order = np.lexsort((joined.position, joined.request))
    return replace(joined, **{name: values[order] for name, values in vars(joined).items()})


def _groups(state: State) -> list[np.ndarray]:
    text = {text: code for code, text in enumerate(dict.fromkeys(state.traffic.text))}
    codes = np.array([text[t] for t in state.traffic.text], np.int64) * len(state.intents.intents) + state.traffic.intent
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _candidates(rng: np.random.Generator, state: State, lexical: np.ndarray, options: WorldOptions) -> np.ndarray:
    """Lexical ∪ popular ∪ random."""
    chosen = np.union1d(lexical, state.popular[: options.popular])
    extra = rng.choice(state.items.size, options.candidates, replace=False)
    extra = extra[~np.isin(extra, chosen)][: max(options.candidates - len(chosen), 0)]
    return np.concatenate([chosen, extra])


def _show_group(
    rng: np.random.Generator, state: State, options: WorldOptions, requests: np.ndarray, items: np.ndarray
) -> Impressions:
    weights, traffic, users = options.weights, state.traffic, state.users
    intent = int(traffic.intent[requests[0]])
    match = relevance(state.items, state.intents.intents[intent], items, options)
    own = weights.quality * state.items.quality[items] + weights.affinity * state.affinity(intent, items)
    user = traffic.user[requests]
    personal = personal_utility(state, options, requests, items)
    seen = weights.policy * (match + 0.6 * own + 0.7 * personal)
    seen -= np.log(rng.standard_exponential(seen.shape, np.float32) + 1e-30)  # Gumbel noise: exploration
    seen[state.items.published_ms[items] > traffic.time_ms[requests][:, None]] = -np.inf
    page = min(_PAGE_MAX, len(items))
    best = np.argpartition(-seen, page - 1, axis=1)[:, :page]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(seen, best, axis=1), axis=1), axis=1)
    kept = (np.arange(page) < _PAGES[users.device[user]][:, None]) & np.isfinite(np.take_along_axis(seen, best, axis=1))
    utility = np.take_along_axis(match + own + personal, best, axis=1)
    position = np.broadcast_to(np.arange(page), best.shape)
    return Impressions(
        request=np.broadcast_to(requests[:, None], best.shape)[kept],
        position=position[kept].astype(np.int32),
        item=items[best][kept],
        utility=utility[kept],
        personal=np.take_along_axis(personal, best, axis=1)[kept],
    )


def relevance(items: Catalogue, intent: Intent, rows: np.ndarray, options: WorldOptions) -> np.ndarray:
    """float32: 0 where everything asked for is there, less for every part that is not."""
    miss = options.weights.category * (intent.category_match()[items.category[rows]] - 1)
    asked = (
        (intent.style, np.maximum(items.style[rows] == intent.style, 0.5 * (items.style2[rows] == intent.style))),
        (intent.colour, items.colour[rows] == intent.colour),
        (intent.material, (items.material[rows] == intent.material) & np.isin(items.category[rows], intent.categories)),
        (intent.brand, items.brand[rows] == intent.brand),
    )
    for code, has in asked:
        if code >= 0:
            miss = miss + options.weights.attribute * (has.astype(np.float32) - 1)
    return miss.astype(np.float32)


def personal_utility(state: State, options: WorldOptions, requests: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """float32 [requests, rows]: segment and taste."""
    weights, user = options.weights, state.traffic.user[requests]
    segment = state.segment_of(user)
    personal = weights.segment * state.segment_known[:, rows][segment]
    personal += weights.segment_item * state.segment_own[:, rows][segment]
    taste = state.users.taste_at(user, state.traffic.mood[requests])
    personal += weights.taste * (taste @ state.taste_columns[rows].T)
    return personal
