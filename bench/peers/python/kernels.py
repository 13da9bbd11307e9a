"""
Libraries in the kernel's place: the best K of N given rows by dot product, on one thread. A server on standard input:

    python bench/peers/python/kernels.py FOLDER

FOLDER holds items.table, queries.f32 [R, D] and rows-<N>.u32 [R, N]. A line {"way", "candidates", "top_k", "repeats"} is
answered by {"ms": […], "best": [rows of the first set, best first]}. All are spared the look-up of ids.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import torch

from formula import top
from items import read_items

Way = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def ways(vectors: np.ndarray) -> dict[str, Way]:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    tensor = torch.from_numpy(vectors)

    def faiss_array(rows: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
        """The selector that visits only the listed ids."""
        return faiss_search(faiss.IDSelectorArray(rows), query, k)

    def faiss_bitmap(rows: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
        """Visits every id and asks the selector."""
        mask = np.zeros(len(vectors), bool)
        mask[rows] = True
        return faiss_search(faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")), query, k)

    def faiss_search(selector: faiss.IDSelector, query: np.ndarray, k: int) -> np.ndarray:
        return index.search(query[None], k, params=faiss.SearchParameters(sel=selector))[1][0]

    def pytorch(rows: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
        chosen = torch.from_numpy(rows)
        scores = torch.mv(tensor.index_select(0, chosen), torch.from_numpy(query))
        return chosen[torch.topk(scores, k).indices].numpy()

    def numpy(rows: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
        return rows[top(np.take(vectors, rows, axis=0) @ query, k)]

    return {"faiss, array": faiss_array, "faiss, bitmap": faiss_bitmap, "pytorch": pytorch, "numpy": numpy}


def main(folder: Path) -> None:
    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    vectors = read_items(folder / "items.table").vectors
    queries = np.fromfile(folder / "queries.f32", np.float32).reshape(-1, vectors.shape[1])
    known = ways(vectors)
    print(json.dumps({"ways": list(known)}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        sets = np.fromfile(folder / f"rows-{task['candidates']}.u32", np.uint32).reshape(len(queries), -1)
        print(json.dumps(measure(known[task["way"]], sets.astype(np.int64), queries, task)), flush=True)


def measure(way: Way, sets: np.ndarray, queries: np.ndarray, task: dict) -> dict:
    k = min(task["top_k"], task["candidates"])
    best = way(sets[0], queries[0], k).tolist()
    ms = []
    with torch.inference_mode():
        for repeat in range(task["repeats"]):
            at = repeat % len(queries)
            start = time.perf_counter_ns()
            way(sets[at], queries[at], k)
            ms.append((time.perf_counter_ns() - start) / 1e6)
    return {"ms": ms, "best": best}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
