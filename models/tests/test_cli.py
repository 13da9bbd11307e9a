"""The verbs: a run can be trained, evaluated, exported and asked for requests; what is wrong gets one line."""
import gzip
import json

import numpy as np
import pandas as pd
import pytest

from interactrank.__main__ import main
from interactrank.runs import RunPlan, open_run, start_run
from stranger_log import write_stranger_log


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log with a trained system."""
    folder = tmp_path_factory.mktemp("cli")
    events, items = write_stranger_log(folder)
    arguments = ["--events", str(events), "--items", str(items), "--out", str(folder / "run"), "--preset", "smoke"]
    assert main(["train", *arguments, "--system", "interactrank_mlp"]) == 0
    return folder


def test_evaluate_prints_one_table_and_writes_json_and_plot(folder, capsys):
    assert main(["evaluate", "--run", str(folder / "run")]) == 0
    table = capsys.readouterr().out
    assert "| BM25 |" in table and "| InteractRank (mlp) |" in table
    systems = json.loads((folder / "run" / "evaluation.json").read_text())["systems"]
    assert set(systems["interactrank_mlp"]["recall@100"]) == {"mean", "low", "high"}
    assert (folder / "run" / "evaluation.png").stat().st_size > 1000


def test_a_fusion_without_enough_validation_requests_is_fitted_on_training_ones_with_a_notice(folder, capsys):
    open_run(folder / "run")
    assert "validation requests, fewer than 300: the fusion is fitted on training requests" in capsys.readouterr().out


def test_requests_are_bodies_with_their_engagements(folder):
    target = folder / "requests.jsonl.gz"
    assert main(["requests", "--run", str(folder / "run"), "--out", str(target)]) == 0
    lines = [json.loads(line) for line in gzip.open(target, "rt", encoding="utf-8")]
    for line in lines:
        request = line["request"]
        assert set(line["engaged"]) <= {str(item) for item in request["candidates"]} and line["engaged"]
        assert len(request["candidate_features"]["bm25"]) == len(request["candidates"])
        times = [event["time"] for event in request["user"]["sequence"]]
        assert times == sorted(times, reverse=True) and all(time < line["now_ms"] for time in times)


@pytest.fixture(scope="module")
def bundle(folder):
    """Exported from a run that has a catalogue in its folder."""
    (folder / "run" / "items.parquet").write_bytes(b"the catalogue")
    out = folder / "mine"
    assert main(["export", "--run", str(folder / "run"), "--system", "interactrank_mlp", "--out", str(out)]) == 0
    return out


def test_export_writes_a_bundle_for_the_trained_system(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert (manifest["name"], manifest["description"]) == ("mine", "InteractRank (mlp), preset smoke")
    assert manifest["fusion"]["kind"] == "mlp" and manifest["caller_columns"] == []
    golden = json.loads((bundle / "golden.json").read_text("utf-8"))["requests"]
    assert not any("candidate_features" in line["request"] for line in golden), "a server refuses undeclared columns"


def test_export_writes_items_with_their_scalars_and_leaves_the_catalogue_alone(folder, bundle):
    assert "engagements_30d" in pd.read_parquet(folder / "run" / "items_with_scalars.parquet")
    assert (folder / "run" / "items.parquet").read_bytes() == b"the catalogue"


def test_export_of_a_system_that_was_not_trained_says_what_to_do(folder, capsys):
    arguments = ["--run", str(folder / "run"), "--system", "sequence", "--out", str(folder / "none")]
    assert main(["export", *arguments]) == 1
    assert "run `train --system sequence`" in capsys.readouterr().err


def test_another_log_in_the_same_run_is_refused(folder, tmp_path, capsys):
    events, items = write_stranger_log(tmp_path, seed=5)
    arguments = ["--events", str(events), "--items", str(items), "--out", str(folder / "run"), "--preset", "smoke"]
    assert main(["train", *arguments]) == 1
    assert f"events {folder / 'events.csv.gz'}, now {events}" in capsys.readouterr().err


def test_a_log_that_changed_in_its_place_is_refused_by_every_verb(tmp_path, capsys):
    plan = RunPlan(*write_stranger_log(tmp_path, rows=60), "smoke", 0)
    start_run(plan, tmp_path / "run")
    write_stranger_log(tmp_path, rows=60, seed=5)
    arguments = ["--events", str(plan.events), "--items", str(plan.items), "--out", str(tmp_path / "run"), "--preset", "smoke"]
    for command in (["train", *arguments], ["evaluate", "--run", str(tmp_path / "run")]):
        assert main(command) == 1
        message = capsys.readouterr().err
        assert "events_sha256" in message and "items_sha256" in message and "give another --out" in message


def _duplicate_items(folder, events, items):
    frame = pd.read_json(items, lines=True)
    pd.concat([frame, frame.iloc[:1]]).to_json(items, orient="records", lines=True)


def _unsorted_times(folder, events, items):
    frame = pd.read_csv(events)
    frame.iloc[::-1].to_csv(events, index=False)


def _seconds_for_milliseconds(folder, events, items):
    frame = pd.read_csv(events)
    frame.assign(time=frame["time"] // 1000).to_csv(events, index=False)


def _empty_file(folder, events, items):
    events.write_bytes(b"")


def _no_file(folder, events, items):
    events.unlink()


def _text_where_a_number_belongs(folder, events, items):
    frame = pd.read_json(items, lines=True)
    frame.assign(price="cheap").to_json(items, orient="records", lines=True)


def _only_short_clicks(folder, events, items):
    pd.read_csv(events).assign(action="short_click").to_csv(events, index=False)


def _one_moment(folder, events, items):
    frame = pd.read_csv(events)
    frame.assign(time=frame["time"].iloc[0]).to_csv(events, index=False)


BROKEN = (
    (_duplicate_items, "duplicates"), (_unsorted_times, "ascending"), (_seconds_for_milliseconds, "look like seconds"),
    (_empty_file, "empty"), (_no_file, "no such file"), (_text_where_a_number_belongs, "a number"),
    (_only_short_clicks, "no engagement"), (_one_moment, "hold out its end"),
)


@pytest.mark.parametrize(("broken", "said"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_unusable_input_gets_one_clear_line(tmp_path, capsys, broken, said):
    events, items = write_stranger_log(tmp_path, rows=60)
    broken(tmp_path, events, items)
    code = main(["train", "--events", str(events), "--items", str(items), "--out", str(tmp_path / "run"), "--preset", "smoke"])
    message = capsys.readouterr().err.strip()
    assert code == 1 and message.startswith("error: ") and "\n" not in message and said in message


def test_a_log_of_sixty_rows_is_not_too_small(tmp_path):
    events, items = write_stranger_log(tmp_path, rows=60)
    arguments = ["--events", str(events), "--items", str(items), "--out", str(tmp_path / "run"), "--preset", "smoke"]
    assert main(["train", *arguments, "--system", "two_tower"]) == 0


def test_the_same_seed_gives_the_same_run(tmp_path):
    results = []
    for name in ("first", "second"):
        events, items = write_stranger_log(tmp_path, rows=200)
        out = tmp_path / name
        arguments = ["--events", str(events), "--items", str(items), "--out", str(out), "--preset", "smoke"]
        assert main(["train", *arguments, "--system", "two_tower"]) == 0
        assert main(["evaluate", "--run", str(out)]) == 0
        systems = json.loads((out / "evaluation.json").read_text())["systems"]
        results.append([metric["mean"] for metric in systems["two_tower"].values() if isinstance(metric, dict)])
    assert np.allclose(*results, equal_nan=True)
