"""Any supported file as one Arrow table. CSV columns arrive as text; the checks after this give every column its type."""

import csv
import gzip
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

_TEXT_IDS = ("user", "query", "item", "request_id")


class LogError(ValueError):
    """A log or catalogue that cannot be used: says what was found, what was expected, what to do."""


def file_sha256(path: Path) -> str:
    _check_exists(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_table(path: Path) -> pa.Table:
    _check_exists(path)
    if path.stat().st_size == 0:
        raise LogError(f"{path.name} is empty (0 bytes); expected a table with at least one row")
    try:
        table = _reader(path)(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError, EOFError) as error:
        raise LogError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error
    if table.num_rows == 0:
        raise LogError(f"{path.name} has no rows; expected at least one")
    return table


def _check_exists(path: Path) -> None:
    if not path.is_file():
        raise LogError(f"{path}: no such file")


def _reader(path: Path):
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return _read_csv
    if name.endswith((".parquet", ".pq")):
        return pyarrow.parquet.read_table
    if name.endswith((".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")):
        return _read_jsonl
    raise LogError(f"{path.name}: unknown kind of file; expected .csv, .csv.gz, .parquet, .jsonl or .jsonl.gz")


def _open_text(path: Path):
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    return opener(path, "rt", encoding="utf-8-sig", newline="")


def _read_csv(path: Path) -> pa.Table:
    with _open_text(path) as lines:
        names = next(csv.reader(lines), None)
    if names is None:
        raise LogError(f"{path.name} has no header; expected the names of its columns in the first line")
    return pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types={name: pa.string() for name in names}),
    )


def _read_jsonl(path: Path) -> pa.Table:
    columns: dict[str, list] = {}
    rows = 0
    with _open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            for name, value in _parse_line(line, path, number).items():
                column = columns.setdefault(name, [])
                column += [None] * (rows - len(column))
                column.append(value)
            rows += 1
    return pa.table({name: _json_column(path, name, values, rows) for name, values in columns.items()})


def _parse_line(line: str, path: Path, number: int) -> dict:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise LogError(f"{path.name} line {number} is not JSON: {error.msg}; expected one object on each line") from error
    if not isinstance(record, dict):
        raise LogError(f"{path.name} line {number} is a {type(record).__name__}; expected one object on each line")
    return record


def _json_column(path: Path, name: str, values: list, rows: int) -> pa.Array:
    values += [None] * (rows - len(values))
    if name in _TEXT_IDS:  # an id may be a number beyond int64 here and text there: both are their decimal text
        values = [str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in values]
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError) as error:
        kinds = sorted({type(v).__name__ for v in values if v is not None})
        raise LogError(
            f"{path.name}: column '{name}' mixes {', '.join(kinds)}; expected one type in the whole column"
        ) from error
