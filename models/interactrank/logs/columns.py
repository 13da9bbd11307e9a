"""One column of a table as text, categories, integers or numbers, or one clear error."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from interactrank.logs.tables import LogError


@dataclass(frozen=True)
class Column:
    """A named column of a file; the names are for the error messages."""

    file: str
    name: str
    values: pa.ChunkedArray

    @property
    def type(self) -> pa.DataType:
        kind = self.values.type
        return kind.value_type if pa.types.is_dictionary(kind) else kind

    def fail(self, found: str, expected: str, position: int | None = None) -> LogError:
        where = f"{self.file} row {position + 1}" if position is not None else self.file
        return LogError(f"{where}: column '{self.name}' {found}; expected {expected}")


def column(table: pa.Table, file: str, name: str) -> Column:
    if table.column_names.count(name) > 1:
        raise LogError(f"{file} has {table.column_names.count(name)} columns named '{name}'; expected one")
    if name not in table.column_names:
        found = ", ".join(table.column_names)
        raise LogError(f"{file} has no column '{name}' (it has {found}); expected it, so add or rename a column")
    return Column(file, name, table.column(name))


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind)


def as_categories(source: Column) -> pd.Categorical:
    """Text or whole numbers as categories in order of first appearance; missing is code −1, an empty text is ''."""
    if not (is_text(source.type) or pa.types.is_integer(source.type) or pa.types.is_null(source.type)):
        raise source.fail(f"has type {source.type}", "text or whole numbers")
    coded = source.values.cast(pa.string()).combine_chunks().dictionary_encode()
    categories = coded.dictionary.to_pylist()
    for text in categories:
        if text is not None and any("\ud800" <= c <= "\udfff" for c in text):
            raise source.fail(f"holds {text!r}, which is not valid Unicode", "valid UTF-8")
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return pd.Categorical.from_codes(codes, pd.Index(categories, dtype=object))


def as_labels(source: Column) -> pd.Categorical:
    """As categories, an empty text being missing too."""
    values = as_categories(source)
    return values.remove_categories([""]) if "" in values.categories else values


def as_text(source: Column) -> np.ndarray:
    """Object array of str; missing is ''."""
    categories = as_categories(source)
    return np.append(np.asarray(categories.categories, object), "")[categories.codes]


def as_numbers(source: Column) -> np.ndarray:
    """float64, NaN where missing. Refuses text that is no number, and infinities."""
    if is_text(source.type):
        texts = pd.Series(as_text(source)).str.strip()
        numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce").to_numpy(float, na_value=np.nan)
        bad = np.flatnonzero(np.isnan(numbers) & (texts != "").to_numpy())
        if bad.size:
            raise source.fail(f"holds {texts[bad[0]]!r}", "a number or nothing", int(bad[0]))
    elif is_number(source.type) or pa.types.is_null(source.type):
        numbers = pc.cast(source.values, pa.float64()).to_numpy().astype(float)
    else:
        raise source.fail(f"has type {source.type}", "numbers")
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        raise source.fail(f"holds {numbers[infinite[0]]}", "a finite number", int(infinite[0]))
    return numbers


def as_integers(source: Column, missing: int | None = None) -> np.ndarray:
    """int64. Without `missing` an absent value is refused. Exact up to 2^53."""
    if not (is_text(source.type) or pa.types.is_integer(source.type) or pa.types.is_floating(source.type)):
        raise source.fail(f"has type {source.type}", "whole numbers")
    numbers = as_numbers(source)
    absent = np.isnan(numbers)
    if absent.any() and missing is None:
        raise source.fail("is empty", "a whole number", int(np.argmax(absent)))
    whole = np.where(absent, missing or 0, numbers)
    bad = np.flatnonzero((whole != np.floor(whole)) | (np.abs(whole) > 2**53))
    if bad.size:
        raise source.fail(f"holds {numbers[bad[0]]}", "a whole number", int(bad[0]))
    return whole.astype(np.int64)
