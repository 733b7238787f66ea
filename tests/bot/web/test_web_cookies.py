"""Cookies, the secret that signs them, and cursors: what goes out comes back, nothing else does."""

import base64
import stat
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people import Person, Role
from bot.errors import InputError, SetupError
from bot.web.cursor import decode, encode
from bot.web.sign_in.picked import read, sign
from bot.web.sign_in.secret import load_secret

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECRET = b"a" * 32
TIMES = st.integers(min_value=0, max_value=4_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
HEADER = st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(st.text(), st.text(), TIMES)
def test_a_cookie_says_what_was_signed(person_id, tenant, now):
    cookie = sign(SECRET, Person(person_id, tenant, "Ada", Role.ADMIN), now)
    actor = read(SECRET, cookie, now)
    assert actor is not None
    assert (actor.id, actor.tenant) == (person_id, tenant)


@given(st.text() | HEADER)
def test_any_other_text_is_no_cookie(text):
    assert read(SECRET, text, NOW) is None


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=127))
def test_a_cookie_with_one_changed_character_is_none(at, change):
    cookie = sign(SECRET, Person("ada", "home", "Ada", Role.ADMIN), NOW)
    at %= len(cookie)
    forged = cookie[:at] + chr((ord(cookie[at]) + change) % 128) + cookie[at + 1 :]
    assert read(SECRET, forged, NOW) is None


@pytest.mark.parametrize(("days", "known"), [(-1, False), (0, True), (29, True), (31, False)])
def test_a_cookie_lasts_thirty_days_and_does_not_come_from_the_future(days, known):
    cookie = sign(SECRET, Person("ada", "home", "Ada", Role.ADMIN), NOW)
    assert (read(SECRET, cookie, NOW + timedelta(days=days)) is not None) is known


def test_the_secret_is_made_once_and_is_ours_alone(tmp_path):
    home = tmp_path / "deep" / "home"
    first = load_secret(home)
    assert load_secret(home) == first
    assert len(first) == 32
    assert stat.S_IMODE((home / "secret").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["secret"]


def test_two_homes_have_two_secrets(tmp_path):
    assert load_secret(tmp_path / "a") != load_secret(tmp_path / "b")


def test_a_secret_that_others_could_read_is_closed(tmp_path):
    load_secret(tmp_path)
    (tmp_path / "secret").chmod(0o644)
    load_secret(tmp_path)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"abcd", b"not hexadecimal", b"\xff"])
def test_a_damaged_secret_says_what_to_do(tmp_path, content):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SetupError, match="Delete it"):
        load_secret(tmp_path)


def test_a_home_that_is_a_file_says_so(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SetupError, match="secret"):
        load_secret(tmp_path / "home")


@given(TIMES, st.from_regex(r"run-[0-9]{8}-[a-z2-7]{6}", fullmatch=True))
def test_a_cursor_comes_back_as_it_went(at, run_id):
    assert decode(encode((at, run_id))) == (at, run_id)


def cursor_or_fault(text):
    try:
        return decode(text)
    except InputError as error:
        return [fault.loc for fault in error.faults]


@given(st.text())
def test_any_other_text_is_no_cursor_and_is_refused_by_name(text):
    assert cursor_or_fault(text) == ["cursor"]


@given(st.binary())
def test_noise_in_a_cursors_clothes_is_refused(noise):
    assert cursor_or_fault(base64.urlsafe_b64encode(noise).decode().rstrip("=")) == ["cursor"]


@pytest.mark.parametrize("text", ["", "2026-01-05T09:00:00|run-1", "2026-01-05T09:00:00+00:00"])
def test_a_cursor_needs_a_time_with_its_zone_and_an_id(text):
    assert cursor_or_fault(base64.urlsafe_b64encode(text.encode()).decode()) == ["cursor"]
