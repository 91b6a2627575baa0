"""Points in a log's life as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_core.errors import Usage
from fleet_core.moments import AsOf, parse_as_of, parse_duration, parse_time
from fleet_core.times import timestamp

NOW = 1_767_349_292_000_000  # 2026-01-02T10:21:32Z


def test_digits_are_a_position() -> None:
    assert parse_as_of("1200", NOW) == AsOf(position=1200)


def test_a_time_is_not_a_position() -> None:
    assert parse_as_of("2026-01-02T10:21:32Z", NOW) == AsOf(time=NOW)


@pytest.mark.parametrize(
    "text",
    ["2026-01-02T10:21:32Z", "2026-01-02T11:21:32+01:00", "2026-01-02 10:21:32+00:00", "20260102T102132Z"],
)
def test_every_spelling_of_a_moment_is_that_moment(text: str) -> None:
    assert parse_time(text, 0) == NOW


def test_a_date_is_its_start_in_utc() -> None:
    assert timestamp(parse_time("2026-01-02", 0)) == "2026-01-02T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 604_800), ("3w", 1_814_400)],
)
def test_an_age_counts_back_from_now(text: str, seconds: int) -> None:
    assert parse_time(text, NOW) == NOW - seconds * 1_000_000


@pytest.mark.parametrize("text", ["2026-01-02T10:21:32", "2026-01-02 10:21", "20260102T102132"])
def test_a_time_without_a_zone_is_refused_and_the_zone_asked_for(text: str) -> None:
    with pytest.raises(Usage, match="names no time zone") as caught:
        parse_time(text, NOW)
    assert "Z" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "-5", "5 h", "2y", "h", "٣h", "1.5h", "#12"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="is not a time"):
        parse_as_of(text, NOW)


@pytest.mark.parametrize("text", ["999999999w", "99999999999999999999999999s", "1000000d"])
def test_an_age_older_than_time_itself_is_refused(text: str) -> None:
    with pytest.raises(Usage):
        parse_time(text, NOW)


@pytest.mark.parametrize("text", ["9" * 19, "9" * 5000])
def test_a_position_beyond_any_log_is_refused(text: str) -> None:
    with pytest.raises(Usage):
        parse_as_of(text, NOW)


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_printed_time_is_read_back_to_the_microsecond(moment: int) -> None:
    assert parse_time(timestamp(moment), NOW) == moment


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_but_never_breaks(text: str) -> None:
    try:
        parse_as_of(text, NOW)
    except Usage:
        return


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("0.5", 0.5),
        ("90s", 90),
        ("5m", 300),
        ("1.5h", 5400),
        ("2d", 172_800),
        ("1w", 604_800),
    ],
)
def test_a_length_of_time_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "5 h", "2y", "h", "٣h", ".5", "1.", "1e3", "inf", "9" * 10]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="is not a length of time"):
        parse_duration(text)
