"""User sequences hold the last engagements strictly before a moment, newest first."""

import numpy as np
import pytest
from random_logs import random_log

from interactrank.leaks import LeakError, check_no_leak
from interactrank.sequences import index_sequences, sequences_before


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return random_log(tmp_path_factory.mktemp("sequences"))


def loop_sequence(log, user, time, length):
    past = [e for e in log.events.itertuples() if e.user == user and e.time < time and e.action != "impression"]
    return [(e.item_row, log.actions.index(e.action), e.time) for e in reversed(past)][:length]


def test_sequences_are_those_of_a_plain_loop(log):
    users = [*log.events["user"].iloc[::17], "nobody", ""]
    times = [*log.events["time"].iloc[::17], 2**41, 2**41]
    for length in (3, 100):
        found = sequences_before(index_sequences(log), users, times, length)
        for row, (user, time) in enumerate(zip(users, times, strict=True)):
            expected = loop_sequence(log, user, time, length)
            real = found.mask[row].astype(bool)
            assert real.tolist() == [True] * len(expected) + [False] * (length - len(expected))
            columns = (found.item_row[row][real], found.action[row][real], found.time_ms[row][real])
            assert list(zip(*(c.tolist() for c in columns), strict=True)) == expected
            assert not found.action[row][~real].any() and not found.time_ms[row][~real].any()
    assert found.mask.sum() > 100


def test_ages_are_seconds_before_the_request(log):
    users, times = log.events["user"].iloc[-3:], log.events["time"].iloc[-3:].to_numpy()
    found = sequences_before(index_sequences(log), users, times, 200)
    ages = found.age_seconds(times)
    assert (ages[found.mask == 1] > 0).all() and not ages[found.mask == 0].any()
    assert ages[0, 0] == pytest.approx((times[0] - found.time_ms[0, 0]) / 1000)


def sequence_features(log, users, times, shift):
    found = sequences_before(index_sequences(log), users, times + shift, 5)
    return np.concatenate([found.item_row, found.action, found.time_ms], axis=1)


def test_an_event_at_the_requests_own_moment_is_a_leak_and_is_caught(log):
    users, times = log.events["user"].to_numpy(), log.events["time"].to_numpy()
    check_no_leak(lambda changed: sequence_features(changed, users, times, 0), log, times)
    with pytest.raises(LeakError):
        check_no_leak(lambda changed: sequence_features(changed, users, times, 1), log, times)
