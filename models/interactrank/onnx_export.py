"""Towers as ONNX files: positional int32 and float32 inputs, dynamic batch dimension, every other one fixed."""
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

OPSET = 17


class _Positional(nn.Module):
    def __init__(self, tower: nn.Module, names: list[str]):
        super().__init__()
        self.tower, self.names = tower, names

    def forward(self, *values: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.tower(dict(zip(self.names, values, strict=True)))


def export_tower(tower: nn.Module, *, example: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    """`example` holds at least the tower's inputs, two rows or more."""
    names = tower.input_names()
    positional = _Positional(tower, names).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the TorchScript exporter is deprecated; its graphs are the smaller ones here
        torch.onnx.export(
            positional, tuple(example[name] for name in names), str(path), input_names=names, output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in [*names, *outputs]}, opset_version=OPSET, dynamo=False,
        )


def run_onnx(path: Path, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    # As the service does: without it, processors that lack VNNI saturate sums of two int8 products in 16 bits.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {node.name: inputs[node.name] for node in session.get_inputs()})
