"""Writes the Salesforce package ``sf/`` from the table of fields.

    python scripts/make_package.py                                     sf/ as it is committed
    python scripts/make_package.py --output DIR --name feature_name=Subject__c --text-name

The second form is for an organisation that calls its existing fields otherwise, or whose Ticket has
a text for a name.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from services.itsc_sf_sync import field_map  # noqa: E402
from services.sf_package import build  # noqa: E402
from services.sf_package.organisation import Organisation  # noqa: E402


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Write the Salesforce package.")
    parser.add_argument("--output", type=Path, default=ROOT / "sf")
    parser.add_argument("--name", action="append", default=[], metavar="FIELD=API_NAME")
    parser.add_argument("--text-name", action="store_true", help="the Ticket's name is a text")
    parser.add_argument(
        "--title-optional", action="store_true", help="the title may be blank in the organisation"
    )
    given = parser.parse_args(argv)
    try:
        names = field_map(dict(_pair(each) for each in given.name))
    except ValueError as error:
        parser.error(str(error))
    organisation = Organisation(names, given.text_name, not given.title_optional)
    for path in build.write(given.output, organisation):
        print(path)
    return 0


def _pair(text: str) -> tuple[str, str]:
    path, equals, api = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not of the form FIELD=API_NAME")
    return path, api


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
