"""The item table (src/items/format.ts) as NumPy arrays. M items, D dims, S scalars, C content dims."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEADER_BYTES = 4096
SECTIONS_AT, SECTION_ENTRY_BYTES = 96, 24
ROWS, SKETCH, CONTENT, KEYS = 0, 2, 3, 4
ROW_STRIDE_AT, SKETCH_STRIDE_AT = 52, 288
DTYPES = (np.float32, np.float16, np.int8)


@dataclass(frozen=True)
class Items:
    keys: np.ndarray  # uint64 [M]
    vectors: np.ndarray  # float32 [M, D]
    scalars: np.ndarray  # float32 [S, M]
    content: np.ndarray  # float16 [M, C]

    def ascending(self) -> "Items":
        """The same items in order of their keys, so that a search in the keys gives rows."""
        order = np.argsort(self.keys)
        return Items(
            keys=self.keys[order],
            vectors=self.vectors[order],
            scalars=np.ascontiguousarray(self.scalars[:, order]),
            content=self.content[order],
        )


def read_items(path: Path) -> Items:
    header = path.open("rb").read(HEADER_BYTES)
    if header[:8] != b"PRITEMS\x1a" or _u32(header, 8) != 2:
        raise ValueError(f"{path}: found {header[:12]!r}, expected an item table of version 2")
    rows, dims, content_dims, scalars = (_u32(header, at) for at in (32, 36, 40, 44))
    if header[49] != 0:
        raise ValueError(f"{path}: found string ids, expected integers: the peers look candidates up by number")
    dtype = DTYPES[header[48]]
    sketch_stride = _u32(header, SKETCH_STRIDE_AT)
    in_rows, in_sketches = (0, scalars) if sketch_stride else (scalars, 0)
    row = _record(dtype, dims=dims, scale=dtype is np.int8, scalars=in_rows, stride=_u32(header, ROW_STRIDE_AT))
    table = with_scalars = _section(path, header, index=ROWS, dtype=row, rows=rows)
    if sketch_stride:
        sketch = _record(np.int8, dims=dims, scale=False, scalars=in_sketches, stride=sketch_stride)
        with_scalars = _section(path, header, index=SKETCH, dtype=sketch, rows=rows)
    content = _section(path, header, index=CONTENT, dtype=np.dtype((np.float16, (content_dims,))), rows=rows)
    keys = _section(path, header, index=KEYS, dtype=np.dtype(np.uint64), rows=rows)
    vectors = table["vector"].astype(np.float32)
    if dtype is np.int8:
        vectors *= table["scale"][:, None]
    return Items(keys=keys, vectors=vectors, scalars=np.ascontiguousarray(with_scalars["scalars"].T), content=content)


def intersect(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in a and in b of the keys that stand in both; both are ascending and hold no key twice."""
    if len(a) > len(b):
        in_b, in_a = intersect(b, a)
        return in_a, in_b
    if len(a) == 0:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    at = np.minimum(np.searchsorted(b, a), len(b) - 1)
    hits = np.flatnonzero(b[at] == a)
    return hits, at[hits]


def _u32(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "little")


def _record(dtype: type, *, dims: int, scale: bool, scalars: int, stride: int) -> np.dtype:
    vector_bytes = -(-dims * np.dtype(dtype).itemsize // 4) * 4
    scale_bytes = 4 if scale else 0
    return np.dtype({
        "names": ["vector", "scale", "scalars"],
        "formats": [(dtype, (dims,)), np.float32, (np.float32, (scalars,))],
        # Without a scale the field is never read; it then stands anywhere.
        "offsets": [0, vector_bytes if scale_bytes else 0, vector_bytes + scale_bytes],
        "itemsize": stride,
    })


def _section(path: Path, header: bytes, *, index: int, dtype: np.dtype, rows: int) -> np.ndarray:
    at = SECTIONS_AT + index * SECTION_ENTRY_BYTES
    offset, size = (int.from_bytes(header[at + i : at + i + 8], "little") for i in (0, 8))
    if size != rows * dtype.itemsize:
        raise ValueError(f"{path}: section {index} has {size} bytes, expected {rows} × {dtype.itemsize}")
    return np.ndarray(rows, dtype, np.memmap(path, np.uint8, "r", offset, size)) if size else np.empty(rows, dtype)
