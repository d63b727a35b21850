"""Days without trading or with half of it, on which less is written and no less is expected for that.

Weekends need no calendar, as weekdays have a profile; a holiday in the week is expected to be like a Sunday, in the
time zone in which people write, and a half trading day to be half way between its weekday and a Sunday. The holidays
and half days of exchanges are those of the library `holidays`; what it does not know yet, such as days that a
government announces late, is named.
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

HALF = 0.5
HALF_DAY = "half_day"
"""What the library calls days on which a market closes early."""


@dataclass(frozen=True)
class CalendarSettings:
    """Which days are without trading; a table `[calendar]`."""

    markets: tuple[str, ...] = setting((), "markets by ISO 10383, such as XSHG and XNYS: a day counts where all rest")
    closed: tuple[str, ...] = setting((), "further days without trading, such as 2027-02-08")
    half: tuple[str, ...] = setting((), "further half trading days, such as 2027-02-05")
    zone: str = setting("Asia/Shanghai", "time zone of hours and days")

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        wrong: list[str] = [
            Remark(
                f"calendar.{name} names {day!r}: write days as 2027-02-08.",
                f"calendar.{name} 中的 {day!r} 不是日期：请写成 2027-02-08。",
            )
            for name in ("closed", "half")
            for day in getattr(self, name)
            if not _day(day)
        ]
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            wrong.append(
                Remark(
                    f"calendar.zone cannot be {self.zone!r}: such as Asia/Shanghai, America/New_York, UTC.",
                    f"calendar.zone 不能是 {self.zone!r}：例如 Asia/Shanghai、America/New_York、UTC。",
                )
            )
        return wrong


class TradingDays:
    """Tells the hours and days of a time zone, and how much of a day is without trading.

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
        self._named = {_day(day): HALF for day in settings.half} | {_day(day): 1.0 for day in settings.closed}
        for market in self.markets:
            _holidays(market)

    def local(self, second: int) -> int:
        """Return what the clock of the zone shows at a moment, as seconds since it showed the beginning of 1970."""
        return int(datetime.fromtimestamp(second, self.zone).replace(tzinfo=UTC).timestamp())

    def rest(self, second: int, market: str = "") -> float:
        """Return how much of a day there is no trading: 0 on a usual weekday, 0.5 on a half day, 1 on a holiday.

        Args:
            second: A moment of the day, seconds since 1970.
            market: Where; empty asks in how much of the day no market trades.

        Raises:
            MissingExtra: If `holidays` is not installed.
            UsageError: If the market is unknown.
        """
        day = datetime.fromtimestamp(second, self.zone).date()
        markets = (market,) if market else self.markets
        shares = [1.0 if day in _holidays(one) else HALF * (day in _half_days(one)) for one in markets]
        return max(min(shares, default=0.0), self._named.get(day, 0.0))


@lru_cache(maxsize=64)
def _half_days(market: str) -> Any:
    """Return the half days of a market, a container of dates; those on which it trades to the usual hour are none."""
    import holidays

    _holidays(market)
    if HALF_DAY not in holidays.financial_holidays(market).supported_categories:
        return ()
    return holidays.financial_holidays(market, categories=(HALF_DAY,))


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
