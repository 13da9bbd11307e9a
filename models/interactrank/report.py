"""The evaluation as a table, a plot and evaluation.json."""
import json
from dataclasses import asdict
from pathlib import Path

from interactrank.metrics import METRICS, Interval

Results = dict[str, dict[str, Interval]]
PLOTTED = ("recall@100", "ndcg@10")


def markdown_table(results: Results, titles: dict[str, str], metrics: tuple[str, ...] = METRICS) -> str:
    """One row per system, mean and 95 % interval per metric."""
    lines = ["| system | " + " | ".join(metrics) + " |", "|---" * (len(metrics) + 1) + "|"]
    for name, values in results.items():
        lines.append(f"| {titles[name]} | " + " | ".join(_cell(values[metric]) for metric in metrics) + " |")
    return "\n".join(lines)


def _cell(interval: Interval) -> str:
    return f"{interval.mean:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def write_json(results: Results, titles: dict[str, str], facts: dict, path: Path) -> None:
    """`systems.<name>.<metric>.{mean,low,high}` beside `title`, and the facts of the evaluation."""
    systems = {
        name: {"title": titles[name], **{metric: asdict(interval) for metric, interval in metrics.items()}}
        for name, metrics in results.items()
    }
    path.write_text(json.dumps({**facts, "systems": systems}, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write_plot(results: Results, titles: dict[str, str], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(PLOTTED), figsize=(11, 0.5 * len(results) + 1.2), sharey=True)
    for axis, metric in zip(axes, PLOTTED, strict=True):
        for place, name in enumerate(results):
            interval = results[name][metric]
            error = [[interval.mean - interval.low], [interval.high - interval.mean]]
            axis.errorbar(interval.mean, place, xerr=error, fmt="o", capsize=4, color="C0")
        axis.set_yticks(range(len(results)), [titles[name] for name in results])
        axis.set_title(f"{metric}, 95 % interval over users")
        axis.grid(axis="x", alpha=0.3)
    axes[0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
