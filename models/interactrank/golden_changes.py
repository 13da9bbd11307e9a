"""How a golden request differs from the held-out one it came from: every way in which real requests are incomplete."""
import numpy as np

from interactrank.counts import DAY_MS
from interactrank.scorer import Servable


def _as_it_was(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    """A held-out request unchanged."""


def _unknown_user(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request.pop("user", None)


def _empty_sequence(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request["user"] = {**request.get("user", {}), "sequence": []}


def _no_context(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request["user"] = {"sequence": request.get("user", {}).get("sequence", [])}


def _unknown_context(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request["user"] = {**request.get("user", {}), "country": "Atlantis", "language": "tlh"}


def _unseen_query(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request["query"] = {"text": f"ungewöhnlich {rng.integers(1000)} 珍しい ﬁnd"}


def _untidy_query(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    text = request["query"]["text"]
    request["query"] = {"text": f"  {text.upper().replace(' ', chr(0x3000) + ' ')} "}


def _query_without_tokens(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request["query"] = {"text": "?!…"}


def _long_query(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request["query"] = {"text": " ".join([request["query"]["text"]] * 12)}


def _full_sequence(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    """More events than the model reads, newest first, a few seconds to a year old."""
    items = [item for item in request["candidates"] if str(item) in servable.rows]
    ages = np.sort(np.exp(rng.uniform(np.log(5_000), np.log(365 * DAY_MS), 90))).astype(int)
    actions = list(servable.model.schema.actions)
    events = [
        {"item": items[i % len(items)], "action": actions[i % len(actions)], "time": int(now_ms - age)}
        for i, age in enumerate(ages)
    ]
    request["user"] = {**request.get("user", {}), "sequence": events}


def _unknown_items_in_sequence(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    _full_sequence(request, rng, servable, now_ms)
    unknown = _unknown_ids(servable, 30)
    for number, event in enumerate(request["user"]["sequence"][1:91:3]):
        event["item"] = unknown[number % len(unknown)]


def _unknown_candidates(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    for place, item in zip(range(0, len(request["candidates"]), 7), _unknown_ids(servable, 9)):
        request["candidates"][place] = item


def _repeated_candidates(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    for place in range(3, len(request["candidates"]), 11):
        request["candidates"][place] = request["candidates"][0]


def _no_caller_columns(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    request.pop("candidate_features", None)


def _holes_in_caller_columns(request: dict, rng: np.random.Generator, servable: Servable, now_ms: int) -> None:
    for values in request.get("candidate_features", {}).values():
        values[::4] = [None] * len(values[::4])


CHANGES = (
    _as_it_was, _unknown_user, _empty_sequence, _no_context, _unknown_context, _unseen_query, _untidy_query,
    _query_without_tokens, _long_query, _full_sequence, _unknown_items_in_sequence, _unknown_candidates, _repeated_candidates,
    _no_caller_columns, _holes_in_caller_columns,
)


def _unknown_ids(servable: Servable, count: int) -> list:
    """Ids of the catalogue's kind that it does not hold."""
    if servable.model.schema.id_kind == "string":
        return [f"nowhere-{number}" for number in range(count)]
    taken, found = set(servable.rows), []
    candidate = 10**9
    while len(found) < count:
        if str(candidate) not in taken:
            found.append(candidate)
        candidate += 1
    return found
