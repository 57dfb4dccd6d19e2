"""Adds the values that the roadmap needs to a picklist file that was retrieved from Salesforce.

    python scripts/extend_picklists.py status retrieved/…/Status__c.field-meta.xml
    python scripts/extend_picklists.py priority retrieved/…/Priority__c.field-meta.xml

The file is changed in place; what it holds stays as it is, byte for byte.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from services.sf_package.picklists import SHARED, CannotExtend, extend
from store.fields import BY_PATH


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Add missing picklist values to a file.")
    parser.add_argument("field", choices=SHARED)
    parser.add_argument("file", type=Path)
    given = parser.parse_args(argv)
    try:
        before = given.file.read_bytes().decode("utf-8")
        after = extend(before, BY_PATH[given.field].choices)
        given.file.write_bytes(after.encode("utf-8"))
    except (OSError, UnicodeDecodeError, CannotExtend) as error:
        print(f"{given.file}: {error}", file=sys.stderr)
        return 1
    print("nothing was missing" if before == after else f"{given.file} has the values now")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
