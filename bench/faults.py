"""The fault matrix on one machine: ``make faults``. One line of figures a row; ends with 1 when a row breaks its promise.

    python bench/faults.py [ROW …] [--kills 50] [--seconds 60] [--every 1] [--keep FOLDER]      (no ROW: all of them)

Rows as in the design's matrix: 1 kills, 2 crash points, 3 pause, 4 disk full, 5 fsync error, 6 damage, 7 long writer,
8 and 9 Elasticsearch (with ELASTICSEARCH_URL), 10 shuffled updates, 16 burst and soak, 17 migrations, 18 backup and
restore. What a machine cannot do (no root, no strace, no server) is said and skipped by name.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

import fault_rows  # this script's folder is first on the path
import fault_rows_files
import fault_rows_server

ROWS = {
    1: fault_rows.killed, 2: fault_rows_files.crash_points, 3: fault_rows.paused, 4: fault_rows.disk_full, 5: fault_rows_files.fsync_error, 6: fault_rows_files.damaged,
    7: fault_rows.long_writer, 8: fault_rows_server.down, 9: fault_rows_server.forgets, 10: fault_rows_files.shuffled, 16: fault_rows.burst_and_soak,
    17: fault_rows_files.migrations_killed, 18: fault_rows.backup_and_restore,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, metavar="ROW", help="numbers of rows (default: all)")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60, help="how long burst and soak last, each")
    parser.add_argument("--bound", type=float, default=10, help="seconds from the door to the provider, p99, that row 16 allows during the burst")
    parser.add_argument("--every", type=int, default=1, help="of the crash points (row 2) only each so-many-th")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the worlds end their processes
    broken = 0
    for number in chosen.rows or ROWS:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            where = (chosen.keep or Path(folder)) / f"row-{number}"
            where.mkdir(parents=True, exist_ok=True)
            good, said = ROWS[number](where, chosen)
            broken += good is False
            print(f"{'SKIP' if good is None else 'PASS' if good else 'FAIL'} row {number:2} {ROWS[number].__name__}: {said} [{time.monotonic() - begun:.0f} s]", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
