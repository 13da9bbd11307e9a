"""
Peer (b)'s scoring as one ONNX graph, made of a bundle's item table and fusion:

    PYTHONPATH=models python bench/peers/python/score_graph.py BUNDLE score.onnx

Inputs: rows int32 [N], query float32 [D], cross float32 [F, N], caller float32 [U, N] (raw, NaN = missing), k int64 [1].
Outputs: scores float32 [K], best int64 [K] (positions in rows). Vectors stand in a file beside it, as ONNX external data.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from formula import Formula
from items import read_items


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes) -> str:
        outputs = outputs or (f"n{len(self.nodes)}",)
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def transform(self, raw: str, formula: Formula) -> str:
        logged = np.zeros_like(formula.scale, bool)
        logged[formula.logged] = True
        scaled = self.op("Mul", raw, self.constant(formula.scale))
        positive = self.op("Max", scaled, self.constant(np.float32(0)))
        log = self.op("Log", self.op("Add", positive, self.constant(np.float32(1))))
        value = self.op("Where", self.constant(logged), log, scaled)
        value = self.op("Div", self.op("Sub", value, self.constant(formula.mean)), self.constant(formula.std))
        value = self.op("Min", self.op("Max", value, self.constant(-formula.clip)), self.constant(formula.clip))
        return self.op("Where", self.op("IsNaN", raw), self.constant(formula.missing), value)

    def fuse(self, features: str, layers: list[tuple[np.ndarray, np.ndarray]]) -> str:
        for index, (weights, bias) in enumerate(layers):
            features = self.op("Add", self.op("MatMul", self.constant(weights), features), self.constant(bias))
            if index < len(layers) - 1:
                features = self.op("Relu", features)
        return features


def make(bundle: Path, path: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    items, formula, graph = read_items(bundle / "items.table"), Formula(manifest), Graph()
    gathered = graph.op("Gather", graph.constant(items.vectors), "rows", axis=0)
    dot = graph.op("Unsqueeze", graph.op("MatMul", gathered, "query"), graph.constant(np.array([0])))
    scalars = graph.op("Gather", graph.constant(items.scalars), "rows", axis=1)
    raw = graph.op("Concat", "cross", scalars, "caller", axis=0)
    features = graph.op("Concat", dot, graph.transform(raw, formula), axis=0) if len(formula.scale) else dot
    fused = graph.op("Squeeze", graph.fuse(features, formula.layers), graph.constant(np.array([0])))
    graph.op("TopK", fused, "k", outputs=("scores", "best"))
    inputs = [
        helper.make_tensor_value_info("rows", TensorProto.INT32, ["N"]),
        helper.make_tensor_value_info("query", TensorProto.FLOAT, [manifest["dims"]]),
        helper.make_tensor_value_info("cross", TensorProto.FLOAT, [len(manifest["cross_features"]), "N"]),
        helper.make_tensor_value_info("caller", TensorProto.FLOAT, [len(manifest["caller_columns"]), "N"]),
        helper.make_tensor_value_info("k", TensorProto.INT64, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["K"]),
        helper.make_tensor_value_info("best", TensorProto.INT64, ["K"]),
    ]
    proto = helper.make_graph(graph.nodes, "score", inputs, outputs, graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path, save_as_external_data=True, location=path.name + ".data", size_threshold=1 << 20)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
