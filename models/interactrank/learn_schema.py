"""The schema of a log: vocabularies, numeric columns and transforms, learned once from training rows."""
import numpy as np
import pandas as pd

from interactrank.features import PRIOR, Columns
from interactrank.fitting import fit_number, fit_ratio
from interactrank.logs import IMPRESSION, Log
from interactrank.logs.events import CONTEXT
from interactrank.presets import ModelConfig
from interactrank.schema import CrossFeature, NamedTransform, Schema

VOCABULARY_MAX = 4096


def learn_schema(log: Log, config: ModelConfig, *, columns: Columns, raw: np.ndarray, before_ms: int) -> Schema:
    """`raw` [N, K]: columns of the training pairs, which saw only their past; vocabularies from events before `before_ms`."""
    past = log.events[log.events["time"] < before_ms]
    cross = [
        CrossFeature(c.name, c.segment, c.column, PRIOR, fit_ratio(raw[:, i])) for i, c in enumerate(columns.cross)
    ]
    numbers = [fit_number(raw[:, i]) for i in range(len(cross), columns.width)]
    scalars = len(columns.scalars)
    return Schema(
        id_kind=log.id_kind,
        actions={action: code for code, action in enumerate(log.actions) if action != IMPRESSION},
        contexts={name: words for name in CONTEXT if (words := _vocabulary(past[name]))},
        categories=_vocabulary(log.items["category"]),
        numeric=tuple(NamedTransform(name, fit_number(log.items[name].to_numpy(float))) for name in log.numeric),
        has_text=bool((log.items["text"] != "").any()),
        content_column=log.content_name,
        content_dims=log.content.shape[1] if log.content is not None else config.content_dims,
        count_columns=columns.counts.columns,
        cross=tuple(cross),
        scalars=tuple(NamedTransform(n, t) for n, t in zip(columns.scalars, numbers[:scalars], strict=True)),
        caller=tuple(NamedTransform(n, t) for n, t in zip(columns.caller, numbers[scalars:], strict=True)),
    )


def _vocabulary(values: pd.Series) -> list[str]:
    """Known values, most frequent first, then by name."""
    counts = values.astype(object).value_counts()
    counts = counts[counts > 0]
    return sorted(counts.index, key=lambda word: (-counts[word], word))[:VOCABULARY_MAX]
