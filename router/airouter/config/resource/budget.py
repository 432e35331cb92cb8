"""Budgets: the money that may be spent in a period of the calendar."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from airouter.config.resource.fields import Part, matching, mistake

Usd = Annotated[
    str,
    matching(
        r"[1-9][0-9]{0,5}(\.[0-9]{1,6})?|0\.0{0,5}[1-9][0-9]{0,3}",
        "is not an amount of money above 0",
        'use US dollars as a decimal in quotes, up to "999999.99", such as "100.00"',
    ),
]


NO_PLACES = frozenset({"localtime", "posixrules", "Factory", "posix", "right"})
"""Files and folders beside the zones: the machine's own zone, none, and copies, of which those of
`right` count leap seconds. Another pod may have others, or not have them."""


def check_zone(name: str) -> str:
    """Validate that the database of time zones has a name."""
    try:
        if name.partition("/")[0] in NO_PLACES:
            raise LookupError
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise mistake("is not a known time zone", "use a name such as Europe/Berlin") from None
    return name


TimeZone = Annotated[
    str,
    matching(
        r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}",
        "is not the name of a time zone",
        "use a name such as Europe/Berlin",
    ),
    AfterValidator(check_zone),
]


class MoneyBudget(Part):
    """Money for one period after the other."""

    usd: Usd = Field(description="US dollars for each period, as a decimal in quotes.")
    period: Literal["Day", "Week", "Month", "Total"] = Field(
        description="Span after which it begins anew, at midnight; a week on Monday. Total: never."
    )
    time_zone: TimeZone = Field("UTC", description="Time zone of that midnight. Default UTC.")
    on_exhausted: Literal["Refuse", "Warn"] = Field(
        "Refuse",
        description="Refuse answers with a 429 once it is spent, Warn tells by a header and a "
        "metric only. Default Refuse.",
    )
    overrun: Literal["Stop", "Allow"] = Field(
        "Stop",
        description="Stop ends a stream for which nothing is left, Allow lets it go on, as debt. "
        "Default Stop.",
    )
