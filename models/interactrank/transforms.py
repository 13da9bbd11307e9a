"""The transform of one raw feature (docs/formats.md section 4), fitted on training rows and stored with the model."""

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Transform:
    kind: Literal["log1p", "identity"]
    scale: float
    mean: float
    std: float
    missing: float
    clip: float | None = None

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """float64 of the same shape; NaN is a missing value."""
        raw = np.asarray(raw, np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = raw * self.scale
            moved = (np.log1p(np.maximum(scaled, 0)) if self.kind == "log1p" else scaled) - self.mean
            value = moved / self.std
        if self.clip is not None:
            value = np.clip(value, -self.clip, self.clip)
        return np.where(np.isnan(raw) | np.isnan(value), self.missing, value)

    def to_json(self) -> dict:
        return {name: value for name, value in asdict(self).items() if value is not None}
