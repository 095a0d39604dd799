"""Numbers that cost whoever dials them more than a call: premium rates, and satellites. Pure."""

from collections.abc import Iterable
from typing import Literal

import phonenumbers

from ivr.numbers import matches

Costly = Literal["premium", "satellite", "refused_prefix"]

COSTLY_WORDS: dict[Costly, str] = {
    "premium": "it is a premium number",
    "satellite": "it is a number of a satellite or another international network",
    "refused_prefix": "it begins as one of outbound.refuse does",
}

# Country codes that are no country's: international networks and premium rates (ITU-T E.164).
_SATELLITE = frozenset({870, 878, 881, 882, 883, 888})
_INTERNATIONAL_PREMIUM = 979


def costly(number: str, country: str, *, refuse: Iterable[str] = (), allow: Iterable[str] = ()) -> Costly | None:
    """Why a number is not dialled, as somebody in `country` (two letters) would dial it; None when nothing is against it.

    `refuse` are beginnings of numbers that are not dialled either, `allow` patterns of those that are all the same.
    """
    parsed = _parsed(number, country)
    whole = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if parsed else number
    if any(matches(pattern, written) for pattern in allow for written in (number, whole)):
        return None
    if any(written.startswith(beginning) for beginning in refuse for written in (number, whole)):
        return "refused_prefix"
    if parsed is None:
        return None
    if parsed.country_code in _SATELLITE:
        return "satellite"
    premium = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.PREMIUM_RATE
    return "premium" if premium or parsed.country_code == _INTERNATIONAL_PREMIUM else None


def _parsed(number: str, country: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, country.upper())
    except phonenumbers.NumberParseException:
        return None
