"""Learns transforms from training rows, once; they are stored with the model (docs/formats.md §4).

Raw count ratios are near 1e-5 and drown beside the dot product, so `log1p` first scales them.
"""
import numpy as np

from interactrank.transforms import Transform

CLIP = 6.0
_LONG_TAIL = 20.0
# What the median ratio becomes under the logarithm: high enough that one engagement already counts and a hundred do not drown it.
_MEDIAN = 10.0


def fit_ratio(raw: np.ndarray) -> Transform:
    """For count ratios: log1p, scaled so that the median of the values above zero becomes ten."""
    present = raw[~np.isnan(raw)]
    positive = present[present > 0]
    scale = float(_MEDIAN / np.median(positive)) if len(positive) else 1.0
    return _standardised("log1p", scale, present)


def fit_number(raw: np.ndarray) -> Transform:
    """For prices, ages, lexical scores: log1p where nothing is negative and the tail is long, else as it is."""
    present = raw[~np.isnan(raw)]
    if len(present) and present.min() >= 0 and present.max() > _LONG_TAIL * max(float(np.median(present)), 1e-9):
        return _standardised("log1p", 1.0, present)
    return _standardised("identity", 1.0, present)


def _standardised(kind: str, scale: float, present: np.ndarray) -> Transform:
    """A missing value becomes the mean, zero."""
    if not len(present):
        return Transform(kind, scale, mean=0.0, std=1.0, missing=0.0, clip=CLIP)
    plain = Transform(kind, scale, mean=0.0, std=1.0, missing=0.0).apply(present)
    mean, std = float(plain.mean()), float(plain.std())
    return Transform(kind, scale, mean=mean, std=std if std > 1e-6 * max(1.0, abs(mean)) else 1.0, missing=0.0, clip=CLIP)
