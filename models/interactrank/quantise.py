"""int8 towers whose answer for a row does not depend on the rest of the batch.

onnxruntime's `quantize_dynamic` takes one activation scale from the whole tensor, so a request's scores would change with the
requests that share its run. Here every row has its own: x is divided by its largest magnitude m, the quotient is quantised
with the constant scale 1/127, and the product is multiplied by m again. Weights have one scale per output column, n-gram
tables one per bucket. Small matrices stay float32: what they would save is less than quantising their input costs.
"""
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

# Weights from which a matrix pays: 128 KiB of float32.
WEIGHTS_MIN = 2**15
TABLE_ROWS_MIN = 1024
STEP, ZERO, TINY = "int8_step", "int8_zero", "int8_tiny"


def quantise(source: Path, target: Path) -> None:
    model = onnx.load(str(source))
    graph = model.graph
    constants = _constants(graph)
    rewrite = _Rewrite(constants)
    nodes = [made for node in graph.node for made in rewrite.node(node)]
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in [*graph.initializer, *rewrite.tensors] if tensor.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, str(target))


def _constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """Initializers by name, also under the names that Identity nodes give them."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    return values


class _Rewrite:
    """Node by node: what replaces it, and the tensors that the replacement reads."""

    def __init__(self, constants: dict[str, np.ndarray]):
        self.constants = constants
        self.tensors = [
            numpy_helper.from_array(np.float32(1 / 127), STEP),
            numpy_helper.from_array(np.uint8(128), ZERO),
            numpy_helper.from_array(np.float32(1e-30), TINY),
        ]
        self.quantised_rows: dict[str, tuple[str, str]] = {}

    def node(self, node: NodeProto) -> list[NodeProto]:
        if node.op_type in ("MatMul", "Gemm"):
            weights = self._weights(node)
            return [node] if weights is None else self._product(node, weights)
        if node.op_type == "Gather":
            table = self.constants.get(node.input[0])
            return [node] if table is None or not _is_table(table) else [self._gather(node, table)]
        return [node]

    def _weights(self, node: NodeProto) -> np.ndarray | None:
        """float32 [K, N], or None where the product stays as it is."""
        weights = self.constants.get(node.input[1])
        if weights is None or weights.ndim != 2 or weights.size < WEIGHTS_MIN:
            return None
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        return weights.T if transposed else weights

    def _product(self, node: NodeProto, weights: np.ndarray) -> list[NodeProto]:
        name, (bias, *_) = node.output[0], [*node.input[2:], None]
        codes, scales = quantise_columns(weights)
        before, (rows, magnitude) = self._rows(node.input[0])
        inputs = [rows, self._tensor(f"{name}.codes", codes), STEP, self._tensor(f"{name}.scales", scales), ZERO]
        scaled = name if bias is None else f"{name}.scaled"
        return [
            *before,
            helper.make_node("MatMulIntegerToFloat", inputs, [f"{name}.unit"], domain="com.microsoft"),
            helper.make_node("Mul", [f"{name}.unit", magnitude], [scaled]),
            *([] if bias is None else [helper.make_node("Add", [scaled, bias], [name])]),
        ]

    def _rows(self, x: str) -> tuple[list[NodeProto], tuple[str, str]]:
        """Nodes that quantise the rows of x, none where another product did; names of the codes and of the magnitudes."""
        if x in self.quantised_rows:
            return [], self.quantised_rows[x]
        names = self.quantised_rows[x] = (f"{x}.codes", f"{x}.magnitude")
        return [
            helper.make_node("Abs", [x], [f"{x}.abs"]),
            helper.make_node("ReduceMax", [f"{x}.abs"], [f"{x}.max"], axes=[-1], keepdims=1),
            helper.make_node("Add", [f"{x}.max", TINY], [names[1]]),
            helper.make_node("Div", [x, names[1]], [f"{x}.quotient"]),
            helper.make_node("QuantizeLinear", [f"{x}.quotient", STEP, ZERO], [names[0]]),
        ], names

    def _gather(self, node: NodeProto, table: np.ndarray) -> NodeProto:
        """One block per bucket; unsigned codes around 128, which is the operator's default zero point."""
        codes, scales = quantise_columns(table.T)
        inputs = [
            self._tensor(f"{node.output[0]}.codes", (codes.T.astype(np.int16) + 128).astype(np.uint8)),
            node.input[1],
            self._tensor(f"{node.output[0]}.scales", scales[:, None]),
        ]
        layout = {"bits": 8, "block_size": table.shape[1], "gather_axis": 0, "quantize_axis": 1}
        return helper.make_node("GatherBlockQuantized", inputs, [node.output[0]], domain="com.microsoft", **layout)

    def _tensor(self, name: str, values: np.ndarray) -> str:
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def quantise_columns(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 [K, N] → int8 codes of the same shape and float32 [N] scales, symmetric: code × scale is the weight."""
    scales = np.maximum(np.abs(weights).max(axis=0) / 127, np.float32(1e-30)).astype(np.float32)
    return np.clip(np.rint(weights / scales), -127, 127).astype(np.int8), scales


def _is_table(table: np.ndarray) -> bool:
    """GatherBlockQuantized takes blocks of a power of two from 16; a block is a row here."""
    if table.ndim != 2 or table.shape[0] < TABLE_ROWS_MIN:
        return False
    width = table.shape[1]
    return width >= 16 and width & (width - 1) == 0
