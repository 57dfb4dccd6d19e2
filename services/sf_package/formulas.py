"""The formulas of the package: the launch date, and the four validation rules.

REGEX is refused in formula fields and allowed in validation rules. A percent counts as a fraction
in a formula: 80 % is 0.8 there and 80 in the API.
"""

from __future__ import annotations

from dataclasses import dataclass

from store.fields import BY_PATH, LAUNCH_SENTINELS

RAW = BY_PATH["launch_target"].sf or ""
READINESS = BY_PATH["intake.dev_readiness"].sf or ""
SCORE = BY_PATH["total_score"].sf or ""
PARENT = BY_PATH["parent_id"].sf or ""

_DAYS = (31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LEAP_ENDINGS = "[02468][48]|[2468]0|[13579][26]"
"""The last two digits of a leap year that is no century."""


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A rule that refuses a record while ``formula`` is true."""

    name: str
    field: str
    message: str
    description: str
    formula: str


def launch_date_formula() -> str:
    """The raw target as a date, null unless it is a real one from 1900 to 2099.

    DATEVALUE raises errors for anything else, also inside filters; so each character is looked at
    before a number is made of it. 2000 is a leap year and 1900 is not: the last two digits decide,
    or for a century the first two.
    """
    digits = '"0123456789"'
    leap = (
        f'IF(MOD(VALUE(IF(MID({RAW}, 3, 2) = "00", LEFT({RAW}, 2), MID({RAW}, 3, 2))), 4) = 0,'
        " 29, 28)"
    )
    months = ",\n      ".join(
        f'"{number:02}", {days or leap}' for number, days in enumerate(_DAYS, start=1)
    )
    return f"""IF(
  AND(
    LEN({RAW}) = 10,
    OR(LEFT({RAW}, 2) = "19", LEFT({RAW}, 2) = "20"),
    CONTAINS({digits}, MID({RAW}, 3, 1)),
    CONTAINS({digits}, MID({RAW}, 4, 1)),
    MID({RAW}, 5, 1) = "-",
    MID({RAW}, 8, 1) = "-",
    CONTAINS("0123", MID({RAW}, 9, 1)),
    CONTAINS({digits}, RIGHT({RAW}, 1)),
    RIGHT({RAW}, 2) <> "00"
  ),
  IF(
    VALUE(RIGHT({RAW}, 2)) <= CASE(MID({RAW}, 6, 2),
      {months},
      0),
    DATE(VALUE(LEFT({RAW}, 4)), VALUE(MID({RAW}, 6, 2)), VALUE(RIGHT({RAW}, 2))),
    NULL
  ),
  NULL
)"""


def launch_pattern() -> str:
    """A regular expression for what a launch target may be. Classes instead of backslashes: it
    means the same in Java, in Python and inside a quoted formula."""
    year = "(19|20)[0-9][0-9]"
    long_months = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    short_months = "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    february = "02-(0[1-9]|1[0-9]|2[0-8])"
    leap_day = f"(19|20)({_LEAP_ENDINGS})-02-29|2000-02-29"
    words = "|".join("[?]" if word == "?" else word for word in LAUNCH_SENTINELS)
    return f"{year}-({long_months}|{short_months}|{february})|{leap_day}|{words}"


def validation_rules() -> tuple[ValidationRule, ...]:
    """The four rules. They hold for every ticket: other record types leave these fields blank."""
    return (
        ValidationRule(
            "Launch_Target_Raw_Valid",
            RAW,
            "Launch Target Raw must be blank, a date written YYYY-MM-DD, or one of "
            f"{', '.join(LAUNCH_SENTINELS)}.",
            "A real calendar date from 1900 to 2099, or one of the words.",
            f'AND(\n  NOT(ISBLANK({RAW})),\n  NOT(REGEX({RAW}, "{launch_pattern()}"))\n)',
        ),
        ValidationRule(
            "Dev_Readiness_Range",
            READINESS,
            "Dev Readiness must be between 0 and 100.",
            "A percent counts as a fraction in a formula.",
            f"AND(\n  NOT(ISBLANK({READINESS})),\n  OR({READINESS} < 0, {READINESS} > 1)\n)",
        ),
        ValidationRule(
            "Total_Score_NonNeg",
            SCORE,
            "Total Score can't be negative.",
            "The total is a sum of scores from 1 to 5.",
            f"AND(\n  NOT(ISBLANK({SCORE})),\n  {SCORE} < 0\n)",
        ),
        ValidationRule(
            "Parent_Cannot_Be_Self",
            PARENT,
            "An initiative can't be its own parent.",
            "Longer circles are refused by Steerco, which knows the whole tree.",
            f"AND(\n  NOT(ISBLANK({PARENT})),\n  {PARENT} = Id\n)",
        ),
    )
