"""Days without trading, on which less is written and no less is expected for that: holidays of markets, and named days.

Weekends need no calendar, as weekdays have a profile; a holiday in the week is expected to be like a Sunday, in the
time zone in which people write. The holidays of exchanges are those of the library `holidays`; what it does not know
yet, such as days that a government announces late, is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feilun.core.errors import MissingExtra, UsageError, nearest
from feilun.core.remark import Remark
from feilun.core.settings import setting


@dataclass(frozen=True)
class CalendarSettings:
    """Which days are without trading; a table `[calendar]`."""

    markets: tuple[str, ...] = setting((), "markets by ISO 10383, such as XSHG and XNYS: a day counts where all rest")
    closed: tuple[str, ...] = setting((), "further days without trading, such as 2027-02-08")
    zone: str = setting("Asia/Shanghai", "time zone of hours and days")

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        wrong = [f"calendar.closed names {day!r}: write days as 2027-02-08." for day in self.closed if not _day(day)]
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            wrong.append(f"calendar.zone cannot be {self.zone!r}: such as Asia/Shanghai, America/New_York, UTC.")
        return wrong


class TradingDays:
    """Tells the hours and days of a time zone, and which are without trading.

    Args:
        settings: Which days.

    Raises:
        MissingExtra: If markets are named and `holidays` is not installed.
        UsageError: If a market is unknown.
    """

    def __init__(self, settings: CalendarSettings | None = None) -> None:
        settings = settings or CalendarSettings()
        self.zone = ZoneInfo(settings.zone)
        self.markets = settings.markets
        self._named = {_day(day) for day in settings.closed}
        for market in self.markets:
            _holidays(market)

    def local(self, second: int) -> int:
        """Return what the clock of the zone shows at a moment, as seconds since it showed the beginning of 1970."""
        return int(datetime.fromtimestamp(second, self.zone).replace(tzinfo=UTC).timestamp())

    def closed(self, second: int, market: str = "") -> bool:
        """Return whether a moment falls on a weekday without trading.

        Args:
            second: Seconds since 1970.
            market: Where; empty asks whether all markets rest.

        Raises:
            MissingExtra: If `holidays` is not installed.
            UsageError: If the market is unknown.
        """
        day = datetime.fromtimestamp(second, self.zone).date()
        markets = (market,) if market else self.markets
        return day in self._named or (bool(markets) and all(day in _holidays(one) for one in markets))


@lru_cache(maxsize=64)
def _holidays(market: str) -> Any:
    """Return the holidays of a market, a container of dates."""
    try:
        import holidays
        from holidays.utils import list_supported_financial
    except ImportError as error:
        raise MissingExtra("holidays", "public-opinion", Remark("Holidays of markets", "各市场的休市日")) from error
    known = list_supported_financial()
    if market not in known:
        raise UsageError(
            Remark(f"There is no market {market!r} in the calendar.", f"日历里没有市场 {market!r}。"),
            nearest(market, known),
        )
    return holidays.financial_holidays(market)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
