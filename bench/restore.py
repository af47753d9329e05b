"""How long a backup and its restore take, as the commands do them; and that what came back is what was there.

    python bench/restore.py [--mentions 1000000] [--folder FOLDER] [--built FILE] [--whole]

Writes a synthetic ledger (81 characters a mention, one brand, score, story and 16 near-copy bands each, three snapshots),
backs it up while another process writes, and restores it on a machine that has no archive: the newest million of the
archive is written before the command ends, the rest by ``tell`` (``--whole`` waits for it too). ``--built`` keeps the
synthetic ledger in a file and uses it again. Ends with 1 when the restore took more than five minutes.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from incidents import now
from incidents.settings import Settings, parse
from incidents.store import backup as backups
from incidents.store.archive import open_archive
from incidents.store.ledger import open_ledger
from incidents.store.reconcile import reconcile
from incidents.store.restore import restore
from incidents.store.search import Query
from monitor.memories import MEND_AT_ONCE

LIMIT_S = 300
PORTION = 5_000
T0 = datetime(2026, 1, 1, tzinfo=UTC)
LETTERS = "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感"
WRITER = """
import sys
from pathlib import Path
from incidents.brands import Matcher
from incidents.model import Mention
from incidents.settings import load
from incidents.store.ledger import open_ledger
from incidents import now
settings = load(Path(sys.argv[1]))
ledger, matcher = open_ledger(settings), Matcher(settings.brands)
n = 0
while True:
    one = Mention(source="wb", platform="weibo", site="load", native_id=str(n), kind="post", url=f"http://load/{n}", text=f"雾岛茶写入 {n}")
    ledger.door.save(source="wb", platform="weibo", tier="online", mentions=[one], snapshots=(), matcher=matcher, world=now.world())
    n += 1
    print(n, flush=True)
"""


def settings_of(folder: Path) -> Settings:
    path = folder / "yujing.toml"
    path.write_text('[[brands]]\nid = "wudao"\nname = "雾岛茶"\nany = ["雾岛茶"]\n[[sources]]\nid = "wb"\nname = "W"\nkind = "weibo"\nurl = "http://127.0.0.1:1/"\n', encoding="utf-8")
    return parse({"brands": [{"id": "wudao", "name": "雾岛茶", "any": ["雾岛茶"]}], "sources": [{"id": "wb", "name": "W", "kind": "weibo", "url": "http://127.0.0.1:1/"}]}, path)


def build(ledger: Path, number: int) -> None:
    """Rows as the product leaves them, written past it in large transactions."""
    with sqlite3.connect(ledger, isolation_level=None) as db:
        db.execute("PRAGMA synchronous=OFF")
        for start in range(1, number + 1, PORTION):
            db.execute("BEGIN")
            for table, rows in portion(start, min(PORTION, number - start + 1)):
                db.executemany(f"INSERT INTO {table[0]} ({table[1]}) VALUES ({','.join('?' * len(rows[0]))})", rows)
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def portion(start: int, count: int) -> Iterator[tuple[tuple[str, str], list[tuple[object, ...]]]]:
    draw = random.Random(start)
    ids = range(start, start + count)
    at = {i: int((T0 + timedelta(seconds=20 * i)).timestamp() * 1000) for i in ids}
    story = {i: 1 + i // 40 for i in ids}
    yield ("mentions", "id,key,source,platform,tier,kind,url,title,text,quote,author,author_name,followers,published,precision,first_seen,dated,saved_at,fingerprint,flags,matched,text_hash,reposts,counted_at"), [
        (i, f"weibo:bench:{i}", "wb", "weibo", "online", "post", f"https://weibo.example/{i}", "", "雾岛茶" + "".join(draw.choices(LETTERS, k=78)), "", f"{draw.getrandbits(96):024x}", "某某", 1024,
         at[i], "second", at[i], at[i], at[i], f"{draw.getrandbits(64):016x}", "[]", 1, f"{draw.getrandbits(128):032x}", i % 90, at[i]) for i in ids]
    yield ("mention_brands", "mention_id,brand,spans,inherited,dated"), [(i, "wudao", '[["雾岛茶","text",0,3]]', 0, at[i]) for i in ids]
    yield ("scores", "mention_id,brand,model,at,negative,neutral,positive,sentiment,alarm,signals"), [(i, "wudao", "floor@1", at[i], .6, .3, .1, "negative", 1, "[]") for i in ids]
    yield ("story_mentions", "mention_id,brand,story_id,why,at"), [(i, "wudao", story[i], "copy", at[i]) for i in ids]
    yield ("snapshots", "mention_id,at,reposts,comments,likes"), [(i, at[i] + n * 600_000, n, n, n) for i in ids for n in range(3)]
    yield ("near_bands", "brand,band,mention_id,at"), [("wudao", draw.getrandbits(63), i, at[i]) for i in ids for _ in range(16)]
    firsts = [i for i in ids if i % 40 == 0 or i == 1]
    yield ("stories", "id,brand,lead_id,title,first_appeared,first_known,last_known,stirred,decided"), [(story[i], "wudao", i, "雾岛茶", at[i], at[i], at[i], 1, 1) for i in firsts]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--built", type=Path, help="keep the synthetic ledger here, or use the one that is there")
    parser.add_argument("--whole", action="store_true", help="wait for the whole archive")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        return run(Path(folder), chosen.mentions, whole=chosen.whole, built=chosen.built)


def fill(settings: Settings, number: int, kept: Path | None) -> None:
    """The synthetic ledger in its place; a kept one of an older schema is brought to today's when it is opened."""
    file = settings.data / "ledger.sqlite"
    if kept is not None and kept.exists():
        settings.data.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, file)
        return
    open_ledger(settings).close()
    build(file, number)
    if kept is not None:
        shutil.copyfile(file, kept)


def run(folder: Path, number: int, *, whole: bool, built: Path | None) -> int:
    settings = settings_of(folder)
    begun = time.perf_counter()
    fill(settings, number, built)
    ledger = open_ledger(settings)
    took = time.perf_counter() - begun
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder / "yujing.toml")], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        before = int(writer.stdout.readline())
        begun = time.perf_counter()
        note = backups.backup(ledger.engine, folder / "b.backup", machine=now.machine(), world=now.world())
        backed = time.perf_counter() - begun
        writer.kill()
        written = max(int(line) for line in writer.stdout.read().split() if line.isdigit())
    ledger.close()
    begun = time.perf_counter()
    restore(settings, folder / "b.backup", machine=now.machine())
    restored = time.perf_counter() - begun
    ledger = open_ledger(settings)
    archive = open_archive(settings.archive_url)
    begun = time.perf_counter()
    found = reconcile(ledger.index, archive, limit=MEND_AT_ONCE)
    mended = time.perf_counter() - begun
    rest = reconcile(ledger.index, archive) if whole else None
    filled = time.perf_counter() - begun
    with ledger.engine.connect() as c:
        there = int(c.exec_driver_sql("SELECT count(*) FROM mentions").scalar_one())
    good = there == note.mentions >= number + before and (rest is None or archive.count(Query()) == there)
    print(f"restore: mentions {note.mentions}, ledger {note.size / 2**20:.0f} MiB (there in {took:.0f} s), backup {note.packed / 2**20:.0f} MiB in {backed:.0f} s while {written - before} mentions were written, "
          f"ledger restored in {restored:.0f} s, newest {found.written} in the archive after {mended:.0f} s more, together {restored + mended:.0f} s (limit {LIMIT_S} s), "
          f"{f'whole archive after {filled:.0f} s' if rest else 'rest of the archive not waited for'}, all there {good}")
    return 0 if good and restored + mended <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
