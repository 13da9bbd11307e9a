"""The data set's files, and the judged lists that an evaluation ranks."""

import csv
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from interactrank.keys import xxh64
from interactrank.logs import Log

_NUMBERS = ("year", "votes", "rating", "popularity", "budget")
_LISTS = ("genres", "tags", "actors", "characters")


@dataclass(frozen=True)
class JudgedLists:
    """List r is the slice offsets[r]:offsets[r + 1] of item_row (int32) and gains (float32)."""

    queries: list[str]
    offsets: np.ndarray
    item_row: np.ndarray
    gains: np.ndarray


def split_of(query_id: str) -> str:
    return {8: "validation", 9: "test"}.get(xxh64(query_id) % 10, "train")


def read_movies(folder: Path) -> pd.DataFrame:
    """One line for each movie, in the columns of the log schema."""
    movies = pd.read_json(folder / "movies.jsonl.gz", lines=True, dtype={"id": str}, convert_dates=False)
    people = [movies[name].map(" ".join) for name in _LISTS]
    text = movies["overview"].str.cat([*people, movies["director"]], sep=" ").str.strip()
    genre = movies["genres"].map(lambda genres: genres[0] if genres else None)
    table = {"item": movies["id"].astype("uint64"), "title": movies["title"], "text": text, "category": genre}
    return pd.DataFrame({**table, **{name: movies[name].astype(float) for name in _NUMBERS}})


def read_judgments(folder: Path) -> pd.DataFrame:
    """query_id, query, item, grade, split. Quoting is off: queries hold quotation marks."""
    judged = pd.read_csv(folder / "judgments.tsv.gz", sep="\t", quoting=csv.QUOTE_NONE, keep_default_na=False)
    judged = judged.rename(columns={"doc_id": "item"}).astype({"item": "uint64"})
    return judged.assign(split=judged["query_id"].map({q: split_of(q) for q in judged["query_id"].unique()}))


def read_judged_lists(path: str | PathLike, log: Log, split: str) -> JudgedLists:
    """The lists of `validation` or `test` that have a relevant movie; `path` is judged.parquet, `log` its log."""
    judged = pd.read_parquet(path)
    judged = judged[judged["split"] == split]
    judged = judged[judged.groupby("query_id")["grade"].transform("max") > 0].sort_values("query_id", kind="stable")
    sizes = judged.groupby("query_id", sort=False).size().to_numpy()
    return JudgedLists(
        queries=judged["query"].to_numpy(object)[np.cumsum(sizes) - sizes].tolist(),
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
        item_row=pd.Index(log.items["key"]).get_indexer(pd.Index(judged["item"])).astype(np.int32),
        gains=judged["grade"].to_numpy(np.float32),
    )
