"""What a value sounds like, in both languages: tables of examples, and numbers that can be read back."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ivr.speech import KINDS, CannotSay, currencies, languages, queue_phrase, say

pytestmark = pytest.mark.unit

NUMBERS = [
    ("0", "零", "zero"),
    ("2", "二", "two"),
    ("10", "十", "ten"),
    ("12", "十二", "twelve"),
    ("20", "二十", "twenty"),
    ("105", "一百零五", "one hundred five"),
    ("110", "一百一十", "one hundred ten"),
    ("200", "两百", "two hundred"),
    ("1010", "一千零一十", "one thousand ten"),
    ("2222", "两千二百二十二", "two thousand two hundred twenty-two"),
    ("10010", "一万零一十", "ten thousand ten"),
    ("20000", "两万", "twenty thousand"),
    ("100005000", "一亿零五千", "one hundred million five thousand"),
    ("10000500000", "一百亿零五十万", "ten billion five hundred thousand"),
    ("2000000000000", "两万亿", "two trillion"),
    ("-7", "负七", "minus seven"),
    ("3.14", "三点一四", "three point one four"),
    ("-0.50", "负零点五零", "minus zero point five zero"),
    ("-0", "零", "zero"),
    ("1,234", "一千二百三十四", "one thousand two hundred thirty-four"),
    ("１２", "十二", "twelve"),
]
MONEY = [
    ("0", "CNY", "零元", "zero yuan"),
    ("12.05", "CNY", "十二元零五分", "twelve yuan and five fen"),
    ("12.5", "CNY", "十二元五角", "twelve yuan and fifty fen"),
    ("12.34", "CNY", "十二元三角四分", "twelve yuan and thirty-four fen"),
    ("2", "CNY", "两元", "two yuan"),
    ("0.02", "CNY", "两分", "two fen"),
    ("-200", "CNY", "负两百元", "minus two hundred yuan"),
    ("1.01", "USD", "一美元零一美分", "one dollar and one cent"),
    ("2.34", "USD", "两美元三十四美分", "two dollars and thirty-four cents"),
    ("0.999", "EUR", "一欧元", "one euro"),
    ("1.5", "JPY", "两日元", "two yen"),
    ("0.02", "GBP", "两便士", "two pence"),
]
OTHERS = [
    ("digits", "4001-820 8820", "四零零一，八二零，八八二零", "four zero zero one, eight two zero, eight eight two zero"),
    ("telephone", "110", "幺幺零", "one one oh"),
    ("digits", "110", "一一零", "one one zero"),
    ("digits", "7#", "七井号", "seven hash"),
    ("date", "2026-11-23", "二零二六年十一月二十三日", "November twenty-third, twenty twenty-six"),
    ("date", "20050212", "二零零五年二月十二日", "February twelfth, two thousand five"),
    ("date", "1905/10/20", "一九零五年十月二十日", "October twentieth, nineteen oh five"),
    ("date", "1900-01-01T23:59:59+08:00", "一九零零年一月一日", "January first, nineteen hundred"),
    ("time", "14:05", "下午两点零五分", "two oh five p.m."),
    ("time", "9:30:59", "上午九点三十分", "nine thirty a.m."),
    ("time", "12:00", "中午十二点", "noon"),
    ("time", "24:00", "凌晨零点", "midnight"),
    ("time", "2026-11-23T22:00:00Z", "晚上十点", "ten p.m."),
    ("text", " a\r\n\x00b\u2028c ", "a b c", "a b c"),
    ("position", "1", "您排在第一位", "You are first in line"),
    ("position", "3", "您前面还有两位", "There are two callers ahead of you"),
    ("wait", "59999", "不到一分钟", "less than a minute"),
    ("wait", "60001", "大约两分钟", "about two minutes"),
    ("wait", "3600001", "一个小时以上", "more than an hour"),
]


@pytest.mark.parametrize(("value", "zh", "en"), NUMBERS)
def test_number(value: str, zh: str, en: str) -> None:
    """A number is said the way people say it."""
    assert (say("number", value, "zh"), say("number", value, "en")) == (zh, en)


@pytest.mark.parametrize(("value", "currency", "zh", "en"), MONEY)
def test_money(value: str, currency: str, zh: str, en: str) -> None:
    """Money has units and hundredths, each with its own word."""
    assert (say("money", value, "zh", currency=currency), say("money", value, "en", currency=currency)) == (zh, en)


@pytest.mark.parametrize(("kind", "value", "zh", "en"), OTHERS)
def test_other_kinds(kind: str, value: str, zh: str, en: str) -> None:
    """Digits, dates, times, places in a queue and waits are said the way people say them."""
    assert (say(kind, value, "zh"), say(kind, value, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", ""),
        ("number", "12a"),
        ("number", "1,23"),
        ("number", "1e5"),
        ("number", "9" * 17),
        ("number", "--1"),
        ("number", "1."),
        ("digits", ""),
        ("digits", "12é"),
        ("digits", "1" * 65),
        ("digits", "12;34"),
        ("money", "a lot"),
        ("date", "2026-02-30"),
        ("date", "23.11.2026"),
        ("date", "2026-11/23"),
        ("time", "25:00"),
        ("time", "noonish"),
        ("time", "2026-13-01T10:00"),
        ("position", "0"),
        ("position", "1.5"),
        ("wait", "-1"),
        ("song", "la"),
    ],
)
def test_what_cannot_be_said(kind: str, value: str) -> None:
    """A value that is not of its kind is refused with a sentence that says what was expected."""
    for language in languages():
        with pytest.raises(CannotSay, match="expected"):
            say(kind, value, language)


def test_unknown_language_and_currency_name_the_known_ones() -> None:
    """Whoever writes fr or XYZ learns what there is."""
    with pytest.raises(CannotSay, match="zh, en"):
        say("number", "1", "fr")
    with pytest.raises(CannotSay, match="CNY, HKD, USD"):
        say("money", "1", "en", currency="XYZ")


def test_a_secret_is_not_repeated_in_the_error() -> None:
    """Digits may be a card number or a PIN: the error names the strange sign alone."""
    with pytest.raises(CannotSay) as refused:
        say("digits", "4111111111111111é", "en")
    assert "4111" not in str(refused.value)


@given(st.integers(-(10**12), 10**12))
@example(10**12)
@example(-(10**12) + 1)
def test_a_number_can_be_read_back(number: int) -> None:
    """No two numbers sound alike: the words name the number."""
    assert _from_chinese(say("number", str(number), "zh")) == number
    assert _from_english(say("number", str(number), "en")) == number


@given(st.integers(0, 10**12))
def test_zero_rules(number: int) -> None:
    """Mandarin says no zero twice in a row, and none at the end of a number or before 万 and 亿."""
    words = say("number", str(number), "zh")
    assert "零零" not in words
    assert "零万" not in words
    assert "零亿" not in words
    assert not words.endswith("零") or number == 0


@given(st.integers(-(10**8), 10**8))
def test_money_can_be_read_back(hundredths: int) -> None:
    """An amount in yuan is exact to the fen."""
    sign = "-" if hundredths < 0 else ""
    written = f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02}"
    words = say("money", written, "en").replace(" and ", " yuan ").removeprefix("minus ").split(" yuan")
    units = _from_english(words[0]) * 100 if "yuan" in say("money", written, "en") else 0
    fen = _from_english(words[-1].removesuffix(" fen").strip()) if "fen" in words[-1] else 0
    assert units + fen == abs(hundredths)
    assert say("money", written, "zh").count("元") == (abs(hundredths) >= 100 or hundredths == 0)


@given(st.dates(min_value=date(1000, 1, 1)), st.integers(1, 365))
def test_days_sound_different(day: date, later: int) -> None:
    """Two days of a calendar never sound the same."""
    try:
        other = day + timedelta(days=later)
    except OverflowError:
        other = day - timedelta(days=later)
    for language in languages():
        assert say("date", day.isoformat(), language) != say("date", other.isoformat(), language)


@given(st.sampled_from(KINDS), st.text(max_size=80), st.sampled_from(languages()))
def test_any_text_is_said_or_refused(kind: str, value: str, language: str) -> None:
    """Whatever a look-up answers, the outcome is words without control characters or CannotSay."""
    try:
        words = say(kind, value, language)
    except CannotSay:
        return
    assert words.isprintable() or kind == "text"


@pytest.mark.parametrize("language", languages())
def test_queue_phrases_promise_nothing_unknown(language: str) -> None:
    """Only a known place and a known wait are told."""
    wait = say("wait", "180000", language)
    place = say("position", "3", language)
    for kind in ("position", "comfort", "joining"):
        assert "分钟" not in queue_phrase(kind, language) + queue_phrase(kind, language, 3)
        assert "minute" not in queue_phrase(kind, language) + queue_phrase(kind, language, 3)
        assert wait in queue_phrase(kind, language, 3, 180000)
    assert place in queue_phrase("position", language, 3)
    assert place in queue_phrase("joining", language, 3)
    assert queue_phrase("position", language, 0) == queue_phrase("comfort", language)


def test_every_currency_has_names_in_every_language() -> None:
    """A currency that one language knows, all know."""
    for language in languages():
        for code in currencies():
            assert say("money", "1.23", language, currency=code)


def _from_chinese(words: str) -> int:
    sign, words = (-1, words[1:]) if words.startswith("负") else (1, words)
    return sign * _chinese_whole(words.replace("两", "二").replace("零", ""))


def _chinese_whole(words: str) -> int:
    for name, size in (("亿", 10**8), ("万", 10**4), ("千", 1000), ("百", 100), ("十", 10)):
        if name in words:
            head, _, rest = words.rpartition(name) if size >= 10**4 else words.partition(name)
            return (_chinese_whole(head) or (1 if size == 10 else 0)) * size + _chinese_whole(rest)
    return "零一二三四五六七八九".index(words) if words else 0


def _from_english(words: str) -> int:
    small = (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    )
    tens = "twenty thirty forty fifty sixty seventy eighty ninety"
    values = {word: value for value, word in enumerate(small.split())}
    values |= {word: 10 * ten for ten, word in enumerate(tens.split(), 2)}
    sizes = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = group = 0
    for word in words.removeprefix("minus ").replace("-", " ").split():
        if word == "hundred":
            group *= 100
        elif word in sizes:
            total, group = total + group * sizes[word], 0
        else:
            group += values[word]
    return (-1 if words.startswith("minus") else 1) * (total + group)
