"""
The same scoring as one ONNX graph, for onnxruntime: python bench/kernel/make_graph.py writes score.onnx beside this file.

Inputs: table float32 [M, D], rows int32 [N], query float32 [D, 1], cross float32 [N, F] (transformed), w1 [1 + F, H], b1 [H],
w2 [H, 1], b2 [1], k int64 [1]. Outputs: scores float32 [K], positions int64 [K].
"""

from pathlib import Path

from onnx import TensorProto, checker, helper, save

FLOATS = {"query": ["D", 1], "cross": ["N", "F"], "w1": ["W", "H"], "b1": ["H"], "w2": ["H", 1], "b2": [1]}

graph = helper.make_graph(
    [
        helper.make_node("Gather", ["table", "rows"], ["gathered"], axis=0),
        helper.make_node("MatMul", ["gathered", "query"], ["dot"]),
        helper.make_node("Concat", ["dot", "cross"], ["features"], axis=1),
        helper.make_node("MatMul", ["features", "w1"], ["product"]),
        helper.make_node("Add", ["product", "b1"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "w2"], ["out"]),
        helper.make_node("Add", ["out", "b2"], ["column"]),
        helper.make_node("Reshape", ["column", "flat"], ["all"]),
        helper.make_node("TopK", ["all", "k"], ["scores", "positions"], axis=0),
    ],
    "score",
    [
        helper.make_tensor_value_info("table", TensorProto.FLOAT, ["M", "D"]),
        helper.make_tensor_value_info("rows", TensorProto.INT32, ["N"]),
        *(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in FLOATS.items()),
        helper.make_tensor_value_info("k", TensorProto.INT64, [1]),
    ],
    [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["K"]),
        helper.make_tensor_value_info("positions", TensorProto.INT64, ["K"]),
    ],
    [helper.make_tensor("flat", TensorProto.INT64, [1], [-1])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
checker.check_model(model)
save(model, Path(__file__).with_name("score.onnx"))
