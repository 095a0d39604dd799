"""Mandarin as it is spoken: values to words. Knows nothing of where values come from."""

from collections.abc import Sequence
from datetime import date, time

from ivr.speech.values import Quantity, Sum

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_TELEPHONE_ONE = "幺"  # yi and qi sound alike on a telephone
_SIGNS = {"+": "加", "*": "星号", "#": "井号"}

# unit, hundredth; an empty hundredth means there is none, "角分" that tenths have their own word
_CURRENCIES = {
    "CNY": ("元", "角分"),
    "HKD": ("港元", "角分"),
    "USD": ("美元", "美分"),
    "EUR": ("欧元", "欧分"),
    "GBP": ("英镑", "便士"),
    "JPY": ("日元", ""),
}


def currencies() -> Sequence[str]:
    """The codes that have a name here."""
    return tuple(_CURRENCIES)


def number(value: Quantity) -> str:
    """-1020.5 is 负一千零二十点五."""
    words = _leading(_whole(value.whole))
    if value.decimals:
        words += "点" + "".join(_DIGITS[int(digit)] for digit in value.decimals)
    return ("负" if value.negative else "") + words


def digits(groups: Sequence[str], telephone: bool) -> str:
    """One by one, with a short pause between groups; `telephone` says 幺 for one."""
    return "，".join("".join(_digit(sign, telephone) for sign in group) for group in groups)


def money(value: Sum, currency: str) -> str:
    """12.05 CNY is 十二元零五分."""
    unit, hundredth = _CURRENCIES[currency]
    units, cents = value.units, value.cents
    if not hundredth:
        units, cents = units + (cents >= 50), 0
    words = _whole(units) + unit if units or not cents else ""
    if cents and hundredth == "角分":
        tenths, rest = divmod(cents, 10)
        words += _DIGITS[tenths] + "角" if tenths else "零" if units else ""
        words += _DIGITS[rest] + "分" if rest else ""
    elif cents:
        words += ("零" if units and cents < 10 else "") + _leading(_whole(cents)) + hundredth
    return ("负" if value.negative else "") + _leading(words, before=unit[0] + hundredth[:1])


def day(value: date) -> str:
    """二零二六年十一月二十三日."""
    year = "".join(_DIGITS[int(digit)] for digit in str(value.year))
    return f"{year}年{_leading(_whole(value.month))}月{_leading(_whole(value.day))}日"


def clock(value: time) -> str:
    """14:05 is 下午两点零五分."""
    part = next(name for until, name in ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上")) if value.hour < until)
    hour = value.hour if value.hour <= 12 else value.hour - 12
    words = f"{part}{_counted(hour)}点"
    if value.minute:
        words += ("零" if value.minute < 10 else "") + _leading(_whole(value.minute)) + "分"
    return words


def position(ahead: int) -> str:
    """How many are before the caller."""
    return f"您前面还有{_counted(ahead)}位" if ahead else "您排在第一位"


def wait(minutes: int) -> str:
    """A rough length of time; 0 is less than a minute."""
    if minutes == 0:
        return "不到一分钟"
    return f"大约{_counted(minutes)}分钟" if minutes <= 60 else "一个小时以上"


BETWEEN_SENTENCES = ""
JOINING = "请稍候，我们将尽快为您接通客服人员。"
COMFORT = "感谢您的耐心等待，您的来电仍在排队，请不要挂机。"


def sentence(words: str) -> str:
    return words + "。"


def expected_wait(words: str) -> str:
    return f"预计等待时间{words}。"


def _digit(sign: str, telephone: bool) -> str:
    if telephone and sign == "1":
        return _TELEPHONE_ONE
    return _DIGITS[int(sign)] if sign.isdigit() else _SIGNS.get(sign, f" {sign} ")


def _counted(value: int) -> str:
    """A number before a measure word: 两位, not 二位."""
    return "两" if value == 2 else _leading(_whole(value))


def _leading(words: str, before: str = "") -> str:
    """At the head of a number 一十 is said 十, and 二 before 百 千 万 亿 (or before a measure word) is said 两."""
    if words.startswith("一十"):
        return words[1:]
    if words[:1] == "二" and words[1:2] and words[1] in "百千万亿角分" + before:
        return "两" + words[1:]
    return words


def _whole(value: int) -> str:
    """0 <= value < 10**16 by groups of four: 万, 亿, 万亿. One 零 stands for a gap, none at the end of a group."""
    for size, name in ((10**8, "亿"), (10**4, "万")):
        if value >= size:
            high, low = divmod(value, size)
            gap = "零" if 0 < low < size // 10 else ""
            return _whole(high) + name + gap + (_whole(low) if low else "")
    if value == 0:
        return "零"
    written = str(value)
    words = "".join(
        _DIGITS[int(digit)] + _PLACES[place] if digit != "0" else "零"
        for digit, place in zip(written, range(len(written) - 1, -1, -1), strict=True)
    )
    return words.replace("零零", "零").rstrip("零")
