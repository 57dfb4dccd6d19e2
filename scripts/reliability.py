"""Write the table of docs/reliability.md from what a soak run counted.

STEERCO_TALLY=.soak make soak && python scripts/reliability.py .soak
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
REAL = ("two processes",)
Pairs = Counter[tuple[str, str]]
BEGIN, END = "<!-- counted -->", "<!-- /counted -->"


def table(directory: Path) -> str:
    """Runs, and hits with violations for each fault and phase, as Markdown."""
    hits: Pairs = Counter()
    violations: Pairs = Counter()
    runs: Counter[str] = Counter()
    for path in sorted(directory.glob("*.json")):
        counts = json.loads(path.read_text(encoding="utf-8"))
        hits.update({(fault, phase): n for fault, phase, n in counts["hits"]})
        violations.update({(fault, phase): n for fault, phase, n in counts["violations"]})
        runs.update(counts["runs"])
    if not runs:
        raise SystemExit(f"{directory} holds no counts; run STEERCO_TALLY={directory} make soak")
    counted = "; ".join(f"{n:,} {what}" for what, n in sorted(runs.items()))
    total = f"{sum(hits.values()):,} hits, {sum(violations.values()):,} violations."
    faults = sorted({fault for fault, _ in hits | violations})
    real = [each for each in faults if each in REAL or each.startswith("kill")]
    simulated = [each for each in faults if each not in real]
    return "\n\n".join(
        [
            f"{counted}.",
            "Real processes:",
            _lines(real, hits, violations),
            "The simulated world:",
            _lines(simulated, hits, violations),
            total,
        ]
    )


def _lines(faults: list[str], hits: Pairs, violations: Pairs) -> str:
    phases = sorted({phase for fault, phase in hits | violations if fault in faults})
    rows = ["| phase | " + " | ".join(faults) + " |", "| --- |" + " ---: |" * len(faults)]
    for phase in phases:
        cells = [_cell(hits[each, phase], violations[each, phase]) for each in faults]
        rows.append(f"| {phase} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(hit: int, violated: int) -> str:
    return "–" if not hit + violated else f"{hit} / {violated}"


def main(directory: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    counted = f"{BEGIN}\n{table(Path(directory))}\n{END}"
    DOCUMENT.write_text(f"{before}{counted}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".soak")
