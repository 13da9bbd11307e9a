"""Raw features to scores: transforms and fusion of the manifest. N candidates, W = cross features + item scalars + caller columns."""

import numpy as np


class Formula:
    def __init__(self, manifest: dict):
        self.cross = manifest["cross_features"]
        self.columns = [column["name"] for column in manifest["counts"]["columns"]]
        self.caller = [column["name"] for column in manifest["caller_columns"]]
        declared = [*self.cross, *manifest["items"]["scalars"], *manifest["caller_columns"]]
        transforms = [entry["transform"] for entry in declared]
        column = lambda name, default=None: np.array(  # noqa: E731
            [[entry.get(name, default)] for entry in transforms], np.float32
        ).reshape(len(transforms), 1)
        self.scale, self.mean, self.std, self.missing = (column(name) for name in ("scale", "mean", "std", "missing"))
        self.clip = column("clip", np.inf)
        self.logged = [index for index, entry in enumerate(transforms) if entry["kind"] == "log1p"]
        self.layers = fusion_layers(manifest["fusion"], width=1 + len(transforms))

    def scores(self, dot: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """float32 [N] from dot [N] and raw [W, N]; works on `raw` in place. NaN is a missing value."""
        missing = np.isnan(raw)
        raw *= self.scale
        for index in self.logged:
            np.log1p(np.maximum(raw[index], 0, out=raw[index]), out=raw[index])
        raw -= self.mean
        raw /= self.std
        np.clip(raw, -self.clip, self.clip, out=raw)
        np.copyto(raw, np.broadcast_to(self.missing, raw.shape), where=missing)
        hidden = np.concatenate([dot[None], raw])
        for index, (weights, bias) in enumerate(self.layers):
            hidden = weights @ hidden
            hidden += bias
            if index < len(self.layers) - 1:
                np.maximum(hidden, 0, out=hidden)
        return hidden[0]


def fusion_layers(fusion: dict, *, width: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights [out, in] and bias [out, 1] of each layer."""
    if fusion["kind"] == "linear":
        return [(np.array([fusion["weights"]], np.float32), np.array([[fusion["bias"]]], np.float32))]
    layers = []
    for layer in fusion["layers"]:
        bias = np.array(layer["bias"], np.float32)[:, None]
        weights = np.array(layer["weights"], np.float32).reshape(len(bias), width)
        layers.append((weights, bias))
        width = len(bias)
    return layers


def top(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k best, descending."""
    best = np.arange(len(scores)) if k >= len(scores) else np.argpartition(scores, len(scores) - k)[-k:]
    return best[np.argsort(-scores[best], kind="stable")]
