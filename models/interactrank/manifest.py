"""manifest.json (src/bundle/manifest.ts, docs/formats.md §9) from a model: pure, the files are written by export.py."""
import hashlib
import json

from interactrank.logs.events import CONTEXT
from interactrank.model import InteractRank
from interactrank.presets import ModelConfig, TextConfig
from interactrank.query_tower import QueryTower
from interactrank.schema import Schema

ZERO_FINGERPRINT = "0" * 64
# Of one core: the level 2 cache of what serves today has 1 to 2 MiB.
CACHE_BYTES = 2 * 2**20


def make_manifest(
    model: InteractRank, *, name: str, version: str, description: str, files: dict[str, str], tolerance: dict[str, float]
) -> dict:
    """`files`: SHA-256 by file name; `tolerance`: by precision. Without a fingerprint; `seal` adds it."""
    config, schema = model.config, model.schema
    heads = zip(config.heads, config.head_weights, strict=True)
    content_from = f"item.{schema.content_column}" if schema.content_column else "output"
    return {
        "format": "prerank-bundle",
        "format_version": 1,
        "name": name,
        "version": version,
        "fingerprint": ZERO_FINGERPRINT,
        "description": description,
        "files": files,
        "dims": config.dims,
        "heads": [{"name": head, "default_weight": weight} for head, weight in heads],
        "vocabularies": {**schema.contexts, **({"category": schema.categories} if schema.categories else {})},
        "actions": schema.actions,
        "query_tower": {
            "files": {"float32": "query_tower.onnx", "int8": "query_tower.int8.onnx"},
            "precision": serving_precision(model.query_tower),
            "int8_scales": "row",
            "inputs": [_query_input(input_name, model) for input_name in model.query_tower.input_names()],
            "output": "vectors",
        },
        "item_tower": {
            "file": "item_tower.onnx",
            "inputs": [_item_input(input_name, schema, config) for input_name in model.item_tower.input_names()],
            "output": "vector",
            **({} if schema.content_column else {"content_output": "content"}),
        },
        "items": {
            "id_kind": schema.id_kind,
            "dtype": "float32",
            "scalars": [
                {"name": scalar.name, "from": f"item.{scalar.name}", "transform": scalar.transform.to_json()}
                for scalar in schema.scalars
            ],
            "content": {"dims": schema.content_dims, "from": content_from},
        },
        **({"sequence": {"length": config.sequence.length}} if model.system.sequence else {}),
        "counts": {
            "columns": [{"name": c.name, "action": c.action, "window_days": c.window_days} for c in schema.count_columns],
            "segments": schema.segments,
        },
        "cross_features": [
            {
                "name": feature.name, "segment": feature.segment, "column": feature.column, "prior": feature.prior,
                "transform": feature.transform.to_json(),
            }
            for feature in schema.cross
        ],
        "caller_columns": [{"name": c.name, "transform": c.transform.to_json()} for c in schema.caller],
        "fusion": model.fusion.to_manifest(),
        "golden": {"file": "golden.json", "tolerance": tolerance},
    }


def serving_precision(tower: QueryTower) -> str:
    """The faster tower. Weights that fit the cache of a core cost less as they are than quantising every layer's input does."""
    weights = sum(values.numel() for name, values in tower.named_parameters() if not name.startswith("text."))
    return "int8" if 4 * weights > CACHE_BYTES else "float32"


def seal(manifest: dict) -> bytes:
    """The bytes of manifest.json: fingerprint = SHA-256 of the same bytes with its own digits as zeros."""
    text = json.dumps({**manifest, "fingerprint": ZERO_FINGERPRINT}, indent=1, ensure_ascii=False) + "\n"
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    return text.replace(ZERO_FINGERPRINT, fingerprint, 1).encode()


def _query_input(name: str, model: InteractRank) -> dict:
    config = model.config
    length, dims = config.sequence.length, model.schema.content_dims
    if name == "query_ngrams":
        return _ngrams(name, "query.text", config.text.query_length, config.text)
    if name == "query_embedding":
        source = {"kind": "vector", "from": "query.embedding"}
        return {"name": name, "dtype": "float32", "shape": [config.query_embedding_dims], "source": source}
    if name == "query_embedding_present":
        return {"name": name, "dtype": "float32", "shape": [1], "source": {"kind": "present", "from": "query.embedding"}}
    if name in CONTEXT:
        return _vocabulary(name, f"user.{name}")
    column = name.removeprefix("sequence_")
    return {
        "name": name,
        "dtype": "int32" if column == "action" else "float32",
        "shape": [length, dims] if column == "content" else [length],
        "source": {"kind": "sequence", "column": column},
    }


def _item_input(name: str, schema: Schema, config: ModelConfig) -> dict:
    if name == "title_ngrams":
        return _ngrams(name, "item.title", config.text.title_length, config.text)
    if name == "text_ngrams":
        return _ngrams(name, "item.text", config.text.text_length, config.text)
    if name == "category":
        return _vocabulary(name, "item.category")
    if name == "content_embedding":
        source = {"kind": "vector", "from": f"item.{schema.content_column}"}
        return {"name": name, "dtype": "float32", "shape": [schema.content_dims], "source": source}
    source = {
        "kind": "numeric",
        "from": [f"item.{column.name}" for column in schema.numeric],
        "transforms": [column.transform.to_json() for column in schema.numeric],
    }
    return {"name": name, "dtype": "float32", "shape": [len(schema.numeric)], "source": source}


def _ngrams(name: str, path: str, length: int, text: TextConfig) -> dict:
    source = {
        "kind": "text_ngrams", "from": [path], "buckets": text.buckets,
        "word_ngrams": list(text.word_ngrams), "char_ngrams": list(text.char_ngrams),
    }
    return {"name": name, "dtype": "int32", "shape": [length], "source": source}


def _vocabulary(name: str, path: str) -> dict:
    return {"name": name, "dtype": "int32", "shape": [1], "source": {"kind": "vocabulary", "from": path, "vocabulary": name}}
