"""Run the benchmarks named on the command line, or all of them, one table line each."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import bench
from bench.measure import show

ROOT = Path(__file__).resolve().parent
HELPERS = {"__main__", "measure"}


def main(wanted: list[str]) -> int:
    """Exit 1 where a goal was missed."""
    names = [m.name for m in pkgutil.iter_modules([str(ROOT)]) if m.name not in HELPERS]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names)}")
        return 2
    met = True
    for name in wanted or names:
        module = importlib.import_module(f"{bench.__name__}.{name}")
        for result in module.run():
            show(result)
            met = met and result.met
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
