"""The catalogue: checked columns, item keys, and the content embedding where there is one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from interactrank.keys import IdKind, detect_id_kind, item_keys
from interactrank.logs.columns import Column, as_labels, as_numbers, as_text, column, is_number, is_text
from interactrank.logs.tables import LogError

POPULARITY = "engagements_30d"
_TEXT = ("item", "title", "text", "category")
# Columns that reader and export add themselves: one of the catalogue's own would take their place, or they its.
_RESERVED = ("id", "key", POPULARITY)


@dataclass(frozen=True)
class Catalogue:
    frame: pd.DataFrame
    content: np.ndarray | None
    content_name: str | None
    id_kind: IdKind
    numeric: tuple[str, ...]


def read_items(table: pa.Table, file: str) -> Catalogue:
    ids = as_text(column(table, file, "item"))
    _check_ids(ids, file)
    id_kind = detect_id_kind(ids)
    empty = np.full(len(ids), "", object)
    has = set(table.column_names)
    frame = pd.DataFrame(
        {
            "id": pd.Series(ids, dtype=object),
            "key": item_keys(ids, id_kind),
            "title": pd.Series(as_text(column(table, file, "title")), dtype=object),
            "text": pd.Series(as_text(column(table, file, "text")) if "text" in has else empty, dtype=object),
            "category": as_labels(column(table, file, "category")) if "category" in has else pd.Categorical([None] * len(ids)),
        }
    )
    numeric, content, content_name = [], None, None
    for name in table.column_names:
        if name in _TEXT:
            continue
        source = column(table, file, name)
        if name in _RESERVED:
            raise source.fail("has a name that is reserved", f"any but {', '.join(_RESERVED)}, so rename or remove it")
        if _is_vector(source.type):
            if content is not None:
                raise source.fail("is a second content embedding", "at most one column of lists")
            content, content_name = _vectors(source), name
        else:
            frame[name] = _numbers(source)
            numeric.append(name)
    return Catalogue(frame, content, content_name, id_kind, tuple(numeric))


def _check_ids(ids: np.ndarray, file: str) -> None:
    if (ids == "").any():
        raise LogError(f"{file} row {int(np.argmax(ids == '')) + 1}: column 'item' is empty; expected an id")
    repeated = pd.Series(ids).duplicated().to_numpy()
    if repeated.any():
        found, row = int(repeated.sum()), int(np.argmax(repeated))
        raise LogError(
            f"{file} row {row + 1}: item {ids[row]!r} is there already ({found} duplicates in all);"
            " expected one row for each item, so keep one"
        )


def _numbers(source: Column) -> np.ndarray:
    if not (is_text(source.type) or is_number(source.type) or pa.types.is_null(source.type)):
        raise source.fail(f"has type {source.type}", "numbers or lists of numbers; remove or convert the column")
    try:
        return as_numbers(source)
    except LogError as error:
        raise LogError(f"{error}. Text belongs in 'title', 'text' or 'category'; remove other text columns") from None


def _is_vector(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in lists) and is_number(kind.value_type)


def _vectors(source: Column) -> np.ndarray:
    """float32 [M, C]."""
    rows = source.values.to_numpy()
    dims = {len(row) if row is not None else 0 for row in rows}
    if len(dims) != 1 or 0 in dims:
        raise source.fail(f"has lists of {', '.join(map(str, sorted(dims)[:4]))} numbers", "one length for all items")
    vectors = np.stack(rows).astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise source.fail("holds a number that is not finite", "finite numbers", int(bad[0]))
    return vectors
