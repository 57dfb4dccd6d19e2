"""Put each seeded bug into a copy of the tree and see that its tests notice.

    python scripts/mutants.py [part of a name …]

Prints which test caught which bug; exit 1 where one survived.
"""

from __future__ import annotations

import concurrent.futures
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.mutants.catalogue import ALL  # noqa: E402
from tests.mutants.mutant import Mutant  # noqa: E402

WORKERS = 2
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
LIMIT = 600


def copy_tree(target: Path) -> Path:
    """What git knows of the tree, as it stands in the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def caught_by(tree: Path, mutant: Mutant) -> str | None:
    """The first test that fails with the bug in it; None where all pass."""
    file = tree / mutant.file
    sound = file.read_text(encoding="utf-8")
    file.write_text(mutant.applied_to(sound), encoding="utf-8")
    try:
        answer = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-x",
                "-q",
                "--tb=no",
                "-p",
                "no:cacheprovider",
                *mutant.tests,
            ],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {LIMIT} s"
    finally:
        file.write_text(sound, encoding="utf-8")
    found = FAILED.search(answer.stdout)
    if found:
        return found.group(1)
    if answer.returncode not in (0, 1):
        raise SystemExit(f"{mutant.name}: the tests did not run\n{answer.stdout}{answer.stderr}")
    return None


def main(words: list[str]) -> int:
    chosen = [m for m in ALL if not words or any(word in m.name for word in words)]
    trees: queue.Queue[Path] = queue.Queue()
    survived = 0
    with tempfile.TemporaryDirectory() as directory:
        for number in range(WORKERS):
            trees.put(copy_tree(Path(directory) / str(number)))

        def one(mutant: Mutant) -> tuple[str | None, float]:
            tree, started = trees.get(), time.monotonic()
            try:
                return caught_by(tree, mutant), time.monotonic() - started
            finally:
                trees.put(tree)

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for mutant, (test, seconds) in zip(chosen, pool.map(one, chosen), strict=True):
                survived += test is None
                print(f"{mutant.name:52} {test or 'SURVIVED'}  ({seconds:.0f} s)", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} seeded bugs were caught")
    return int(survived > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
