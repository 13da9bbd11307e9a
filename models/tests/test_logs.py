"""Reading logs: every format gives the same log; bad input gets one clear error."""

import gzip

import numpy as np
import pandas as pd
import pytest

from interactrank.logs import read_log
from interactrank.logs.tables import LogError

T0 = 1_735_689_600_000
EVENTS = {
    "time": [T0, T0, T0 + 5000, T0 + 9000],
    "user": ["ann", "ann", "ann", None],
    "query": ["réd  Schuhe ☃", "réd  Schuhe ☃", "réd  Schuhe ☃", "x, \"y\"\nz"],
    "item": [9_223_372_036_854_775_813, 7, 7, 7],
    "action": ["impression", "impression", "click", "save"],
}
ITEMS = {"item": [7, 9_223_372_036_854_775_813], "title": ["Ünder lamp", "b"], "category": ["light", None], "price": [1.5, None]}
EXTENSIONS = ["csv", "csv.gz", "parquet", "jsonl", "jsonl.gz"]


def write(folder, name, columns, extension):
    path = folder / f"{name}.{extension}"
    kinds = {name: "uint64" if name == "item" and isinstance(values[0], int) else None for name, values in columns.items()}
    frame = pd.DataFrame({name: pd.Series(values, dtype=kinds[name]) for name, values in columns.items()})
    if extension.startswith("csv"):
        frame.to_csv(path, index=False)
    elif extension == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)
    return path


def read(folder, events=EVENTS, items=ITEMS, extension="csv", **options):
    return read_log(write(folder, "events", events, extension), write(folder, "items", items, extension), **options)


def refused(folder, match, events=None, items=None, extension="csv"):
    with pytest.raises(LogError, match=match):
        read(folder, {**EVENTS, **(events or {})}, {**ITEMS, **(items or {})}, extension)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_format_gives_the_same_log(tmp_path, extension):
    log = read(tmp_path, extension=extension)
    assert log.id_kind == "u64"
    assert log.items["key"].tolist() == ITEMS["item"]
    assert log.events["item_row"].tolist() == [1, 0, 0, 0]
    assert log.events["time"].tolist() == EVENTS["time"]
    assert log.events["user"].tolist() == ["ann", "ann", "ann", ""]
    assert log.events["query"].tolist() == EVENTS["query"]
    assert log.events["action"].tolist() == EVENTS["action"]
    assert log.numeric == ("price",)
    assert np.isnan(log.items["price"][1])
    assert log.items["category"].isna().tolist() == [False, True]
    assert log.events["country"].isna().all()
    assert (log.events["position"] == -1).all()
    assert len(log.engagements) == 2


def test_requests_come_from_request_ids_or_from_user_query_and_time(tmp_path):
    assert read(tmp_path).events["request"].tolist() == [0, 0, 0, 1]
    assert read(tmp_path, {**EVENTS, "request_id": ["a", "b", "a", "c"]}).events["request"].tolist() == [0, 1, 0, 2]
    assert read(tmp_path, {**EVENTS, "request_id": ["a", "", "a", ""]}).events["request"].tolist() == [0, 1, 0, 2]
    later = {**EVENTS, "time": [T0, T0, T0 + 2_000_000, T0 + 2_000_000]}
    assert read(tmp_path, later).events["request"].tolist() == [0, 0, 1, 2]


def test_events_of_nobody_without_a_request_id_are_requests_of_their_own_with_a_notice(tmp_path):
    nobody = {**EVENTS, "user": ["", None, "ann", "ann"], "query": ["q"] * 4}
    log = read(tmp_path, nobody)
    assert log.events["request"].tolist() == [0, 1, 2, 2]
    assert log.notices == ("2 of 4 events in events.csv have neither user nor request_id; each is a request of its own",)
    log = read(tmp_path, {**nobody, "request_id": ["a", "a", None, None]})
    assert log.events["request"].tolist() == [0, 0, 1, 1] and log.notices == ()


def test_a_request_id_of_several_users_or_queries_is_refused(tmp_path):
    ids = ["a", "b", "b", "b"]
    refused(tmp_path, "row 4: column 'request_id' holds 'b' with user '', and in row 2 with user 'ann'", {"request_id": ids})
    same_user = {"user": ["ann"] * 4, "request_id": ids}
    refused(tmp_path, "row 4: .*with query 'x, .*, and in row 2 with query .* session", same_user)


def test_optional_columns_are_read_and_text_ids_are_hashed(tmp_path):
    items = {"item": ["a", "b"], "title": ["x", "y"], "text": ["more", ""], "emb": [[1.0, 2.0], [3.0, 4.0]]}
    optional = {"country": ["DE", "", "FR", None], "position": [0, 1, 1, None], "colour": list("abcd")}
    events = {**EVENTS, "item": ["a", "b", "b", "a"], **optional}
    log = read(tmp_path, events, items, "parquet")
    assert log.id_kind == "string"
    assert log.content.dtype == np.float32 and log.content.tolist() == [[1, 2], [3, 4]]
    assert log.item_texts == ["x more", "y"]
    assert log.events["country"].isna().tolist() == [False, True, False, True]
    assert log.events["position"].tolist() == [0, 1, 1, -1]


def test_events_of_unknown_items_are_left_out_with_a_notice_unless_they_are_most(tmp_path):
    log = read(tmp_path, {**EVENTS, "item": [7, 99, 7, 7]})
    assert len(log.events) == 3 and "1 of 4 events" in log.notices[0] and "'99'" in log.notices[0]
    refused(tmp_path, "belong together", {"item": [1, 2, 3, 7]})


def test_own_action_names_can_be_given(tmp_path):
    log = read(tmp_path, {**EVENTS, "action": ["impression", "impression", "buy", "buy"]}, actions=("impression", "buy"))
    assert log.actions == ("impression", "buy") and len(log.engagements) == 2


@pytest.mark.parametrize(
    ("match", "events", "items"),
    [
        ("row 3: column 'time' goes back.*sort the file", {"time": [T0, T0 + 9, T0, T0 + 9]}, None),
        ("row 1: column 'time'.*look like seconds", {"time": [T0 // 1000] * 4}, None),
        ("between 1980 and 2100", {"time": [T0 * 1000] * 4}, None),
        ("row 2: column 'time' holds 'soon'", {"time": [T0, "soon", T0, T0]}, None),
        ("row 4: column 'time' is empty", {"time": [T0, T0, T0, None]}, None),
        ("row 2: column 'time' holds .*whole number", {"time": [T0, T0 + 0.5, T0 + 1, T0 + 1]}, None),
        ("row 4: column 'action' holds 'buy'; expected one of impression", {"action": ["click"] * 3 + ["buy"]}, None),
        ("row 2: column 'position' holds 'top'", {"position": [1, "top", 2, 3]}, None),
        ("row 2: item '7' is there already", None, {"item": [7, 7]}),
        ("row 2: column 'item' is empty", None, {"item": ["7", ""]}),
        ("column 'price' holds 'cheap'; expected a number.*remove other text columns", None, {"price": ["1", "cheap"]}),
        ("column 'price' holds inf", None, {"price": [1.0, float("inf")]}),
        ("column 'engagements_30d' has a name that is reserved.*rename", None, {"engagements_30d": [1, 2]}),
        ("column 'id' has a name that is reserved", None, {"id": [1, 2]}),
    ],
)
def test_bad_values_get_one_clear_error(tmp_path, match, events, items):
    refused(tmp_path, match, events, items)


def test_bad_column_types_get_one_clear_error(tmp_path):
    refused(tmp_path, "'user' has type double", {"user": [1.5, 2.5, 3.5, 4.5]}, extension="parquet")
    refused(tmp_path, "'time' has type timestamp.*convert", {"time": pd.to_datetime([T0] * 4, unit="ms")}, extension="parquet")
    refused(tmp_path, "'extra' has type struct", None, {"extra": [{"a": 1}, {"a": 2}]}, extension="parquet")
    refused(tmp_path, "lists of 1, 2 numbers", None, {"emb": [[1.0], [1.0, 2.0]]}, extension="parquet")
    refused(tmp_path, "mixes int, str", None, {"price": [1, "x"]}, extension="jsonl")


def test_missing_columns_empty_and_unknown_files_get_one_clear_error(tmp_path):
    with pytest.raises(LogError, match="no column 'title' .it has item."):
        read(tmp_path, items={"item": [7, 8]})
    items = write(tmp_path, "items", ITEMS, "csv")
    for name, content, match in [
        ("a.csv", b"", "is empty"),
        ("b.csv", b"time,user,query,item,action\n", "has no rows"),
        ("c.xlsx", b"x", "unknown kind of file"),
        ("d.parquet", b"not parquet at all", "cannot be read"),
        ("e.jsonl", b'{"time": 1}\n{nonsense}\n', "line 2 is not JSON"),
        ("f.jsonl", b"[1]\n", "line 1 is a list"),
        ("g.csv.gz", b"not gzip", "cannot be read"),
        ("empty.csv.gz", gzip.compress(b""), "has no header; expected the names"),
        ("h.csv", b"time,user,query,item,action\n1,\xff\xfe,q,7,click\n", "cannot be read"),
        ("i.csv", b"time,time,user,query,item,action\n1,1,u,q,7,click\n", "2 columns named 'time'"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LogError, match=match):
            read_log(tmp_path / name, items)
    with pytest.raises(LogError, match="no such file"):
        read_log(tmp_path / "nowhere.csv", items)
