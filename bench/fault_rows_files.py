"""Rows of the fault matrix that need only the ledger and forked children: crash points, a failing disk, damage, updates, migrations."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from alerts.channels import Answer, Message, Outcome
from alerts.deliver import Deliverer
from incidents import now
from incidents.brands import Matcher
from incidents.errors import YujingError
from incidents.model import Mention, Snapshot
from incidents.settings import Settings, parse
from incidents.store import migrations
from incidents.store import tables as t
from incidents.store.archive import open_archive
from incidents.store.engine import open_engine
from incidents.store.ledger import Ledger, open_ledger
from incidents.store.search import Query

Row = tuple[bool | None, str]
HERE = Path(__file__).resolve().parent
HARM = "在雾岛茶喝完上吐下泻，送急诊洗胃，医生说是食物中毒，单号{n}"


def settings_in(folder: Path) -> Settings:
    grade = {"group_wait": "0s", "repeat": "24h", "first_response": "4h", "lower_after": "1h", "chain": [{"after": "0s", "roles": ["duty"]}]}
    return parse({
        "brands": [{"id": "wudao", "name": "雾岛茶", "any": ["雾岛茶"]}], "sources": [{"id": "wb", "name": "W", "kind": "weibo", "url": "http://127.0.0.1:1/", "paused": True}],
        "channels": [{"id": "hook", "kind": "webhook", "url": "http://127.0.0.1:1/"}, {"id": "second", "kind": "webhook", "url": "http://127.0.0.1:1/"}],
        "people": [{"login": "lin", "name": "林叙", "roles": ["duty", "coordinator"], "channels": ["hook", "second"]}],
        "grades": dict.fromkeys(("blue", "yellow", "orange", "red"), grade)}, folder / "yujing.toml")


def mention(n: int) -> Mention:
    return Mention(source="wb", platform="weibo", site="m", native_id=str(n), kind="post", url=f"http://m/{n}", text=HARM.format(n=n), published=now.world())


def save(ledger: Ledger, settings: Settings, *mentions: Mention, snapshots: tuple[Snapshot, ...] = ()) -> None:
    ledger.door.save(source="wb", platform="weibo", tier="online", mentions=mentions, snapshots=snapshots, matcher=Matcher(settings.brands), world=now.world())


def child(work: Callable[[], None], silent: bool = True) -> int:
    """Run ``work`` in a fork; its exit code, or minus the signal that ended it."""
    if (number := os.fork()) == 0:
        if silent:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def kill_at(engine: sa.Engine, nth: int, count: Callable[[int], None] = lambda _: None) -> None:
    """Die before the ``nth`` statement or commit, inside whatever transaction is open."""
    seen = 0

    def one(*_: object) -> None:
        nonlocal seen
        seen += 1
        count(seen)
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", one)
    event.listen(engine, "commit", one)


class OnDisk:
    """A provider in a file: accepted is what is on the disk."""

    limited = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: Message) -> Answer:
        with self._path.open("a", encoding="utf-8") as out:
            out.write(message.key + "\n")
            out.flush()
            os.fsync(out.fileno())
        return Answer(outcome=Outcome.ACCEPTED, said="ok")


def whole_way(folder: Path, judge: Any, nth: int) -> int:
    """Door → judge → stories → decision → provider → archive, killed at the ``nth`` statement; returns how many there were."""
    from alerts.escalation import telling
    from monitor import pipeline
    from nlp.forecast import load

    settings = settings_in(folder)
    ledger, seen = open_ledger(settings), [0]
    kill_at(ledger.engine, nth, lambda n: seen.__setitem__(0, n))
    tools = pipeline.Tools(ledger=ledger, settings=settings, judge=judge, worker=f"w{os.getpid()}", forecaster=load("default", own_matured=0), telling=telling(settings))
    save(ledger, settings, mention(1), mention(2), mention(3))
    with (folder / "acknowledged").open("a") as out:
        out.write("3\n")
    deliverer = Deliverer(ledger, settings, tools.worker, connect=lambda *_: OnDisk(folder / "accepted"))
    archive = open_archive(settings.archive_url)
    while pipeline.tick(tools) + deliverer.tick():
        pass
    deliverer.close()
    archive.write(documents := ledger.index.claim())
    ledger.index.confirm(documents)
    return seen[0]


def crash_points(folder: Path, chosen: argparse.Namespace) -> Row:
    """Row 2: the whole way, killed at every statement and commit in turn, then done again by a fresh process."""
    from nlp.judge import Judge

    judge = Judge("floor")
    settings_in(folder)
    total, points, kills, broken, twice = int(_answer(folder, judge)), 0, 0, list[str](), 0
    for nth in range(1, total + 1, chosen.every):
        here = folder / f"p{nth}"
        here.mkdir()
        points += 1
        kills += child(lambda here=here, nth=nth: whole_way(here, judge, nth) and None) == -signal.SIGKILL  # type: ignore[misc]
        _forget_leases(here)
        if child(lambda here=here: whole_way(here, judge, 10**9) and None) != 0:  # type: ignore[misc]
            broken.append(f"{nth}: did not recover")
        fault, again = _judge_point(here)
        broken += [f"{nth}: {fault}"] if fault else []
        twice += again
        shutil.rmtree(here)
    return not broken and points > 5 and kills >= points * 0.9 and twice <= kills, f"points {points} of {total}, killed at {kills}, broken {len(broken)}{' ' + '; '.join(broken[:3]) if broken else ''}, duplicates {twice}"


def _answer(folder: Path, judge: Any) -> str:
    """How many statements an undisturbed run takes."""
    (folder / "whole").mkdir()
    child(lambda: (folder / "whole" / "count").write_text(str(whole_way(folder / "whole", judge, 10**9))) and None)
    return (folder / "whole" / "count").read_text()


def _forget_leases(folder: Path) -> None:
    """What a minute does: leases of the dead run out."""
    try:
        engine = open_engine(settings_in(folder).ledger_url)
        with engine.begin() as c:
            for table in (t.work, t.stories, t.outbox):
                c.execute(sa.update(table).values(lease_until=now.machine() - timedelta(hours=1)))
        engine.dispose()
    except (YujingError, sa.exc.SQLAlchemyError):
        return  # killed before there was a schema


def _judge_point(folder: Path) -> tuple[str, int]:
    """What is wrong after the recovery (empty: nothing), and how many alerts were told twice."""
    ledger = open_ledger(settings_in(folder))
    archive = open_archive(settings_in(folder).archive_url)
    accepted = Counter((folder / "accepted").read_text().split()) if (folder / "accepted").exists() else Counter[str]()
    with ledger.engine.connect() as c:
        mentions, incidents = (c.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (t.mentions, t.incidents))
        rows = c.execute(sa.select(t.outbox.c.key, t.outbox.c.state)).all()
    found = archive.count(Query())
    ledger.close()
    archive.close()
    wrong = [name for name, bad in (
        (f"mentions {mentions}", mentions != 3), (f"incidents {incidents}", incidents != 1), (f"in the archive {found}", found != 3), ("nothing told", not rows),
        (f"states {Counter(state for _, state in rows)}", any(state not in ("sent", "cancelled") for _, state in rows)),
        ("sent but not accepted", any(state == "sent" and key not in accepted for key, state in rows)), ("told three times", any(n > 2 for n in accepted.values()))) if bad]
    return ", ".join(wrong), sum(accepted.values()) - len(accepted)


LOADS = """
    import sys
    from pathlib import Path
    sys.path[:0] = {paths!r}
    from fault_rows_files import mention, save, settings_in
    from incidents.errors import YujingError
    from incidents.store.ledger import open_ledger
    settings = settings_in(Path(sys.argv[1]))
    ledger = open_ledger(settings)
    print("begun", flush=True)
    for number in range(300):
        try:
            save(ledger, settings, mention(number))
            print("ack", number, flush=True)
        except YujingError as error:
            print(type(error).__name__, flush=True)
"""


def fsync_error(folder: Path, _: argparse.Namespace) -> Row:
    """Row 5: the 40th, 90th and every later fdatasync fails; what was acknowledged is there, nothing is acknowledged after."""
    if shutil.which("strace") is None:
        return None, "strace is not installed"
    lost = after = acknowledged = runs = 0
    for when in ("60", "61", "90", "120+"):
        here = folder / f"at{when.strip('+')}"
        here.mkdir()
        code = textwrap.dedent(LOADS.format(paths=[str(HERE), str(HERE.parent)]))
        traced = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject=fdatasync,fsync:error=EIO:when={when}", sys.executable, "-c", code, str(here)]
        said = subprocess.run(traced, capture_output=True, text=True, check=False).stdout.splitlines()
        if "begun" not in said:
            return None, "strace may not trace here"
        if "LedgerFailed" not in said:  # nothing was synced, or the error was swallowed
            return False, f"at {when}: the error was never met, {sum(line.startswith('ack') for line in said)} acknowledged"
        acks = {mention(int(line.split()[1])).key for line in said[: said.index("LedgerFailed")] if line.startswith("ack")}
        after += sum(line.startswith("ack") for line in said[said.index("LedgerFailed") :])
        lost += len(acks - set(open_ledger(settings_in(here)).door.known(acks)))
        acknowledged, runs = acknowledged + len(acks), runs + 1
    return lost == after == 0, f"runs {runs}, acknowledged before EIO {acknowledged}, LOST_M {lost}, acknowledged after EIO {after}"


def damaged(folder: Path, _: argparse.Namespace) -> Row:
    """Row 6: a page overwritten, the file or its log cut or gone, on copies; opening must refuse and name the restore."""
    draw, settings = random.Random(6), settings_in(folder)

    def load() -> None:
        ledger = open_ledger(settings)
        for start in range(0, 400, 20):
            save(ledger, settings, *(mention(n) for n in range(start, start + 20)))
        os.kill(os.getpid(), signal.SIGKILL)

    child(load)
    whole = settings.data
    size = (whole / "ledger.sqlite").stat().st_size
    found, silent, tried = Counter[str](), list[str](), 0
    for number in range(60):
        kind = ("page", "page", "page", "cut", "log cut", "log bit", "log gone", "not a database", "empty", "gone")[number % 10]
        shutil.copytree(whole, (copy := folder / f"copy-{number}") / "data")
        _harm(copy / "data" / "ledger.sqlite", kind, draw, size)
        said = _opening(copy)
        tried += 1
        found[kind] += "yujing restore" in said
        silent += [] if "yujing restore" in said else [f"{kind} ({said})"]
        shutil.rmtree(copy)
    return not silent, f"damaged copies {tried}, refused with the way out {sum(found.values())} ({', '.join(f'{kind} {n}' for kind, n in sorted(found.items()))}), silent {len(silent)} {'; '.join(silent[:3])}".strip()


def _harm(file: Path, kind: str, draw: random.Random, size: int) -> None:
    wal = file.with_name("ledger.sqlite-wal")
    if kind == "page":  # of a ledger at rest: its log is folded in first
        _fold(file)
        with file.open("r+b") as out:
            out.seek(draw.randrange(0, file.stat().st_size // 4096) * 4096)
            out.write(draw.randbytes(4096))
    elif kind == "cut":
        _fold(file)
        os.truncate(file, file.stat().st_size * draw.randrange(2, 9) // 10)
    elif kind == "log cut":
        os.truncate(wal, max(32, wal.stat().st_size * draw.randrange(1, 9) // 10))
    elif kind == "log bit":
        with wal.open("r+b") as out:
            out.seek(draw.randrange(100, wal.stat().st_size - 100))
            out.write(draw.randbytes(8))
    elif kind == "log gone":
        wal.unlink()
    elif kind == "not a database":
        file.write_bytes(draw.randbytes(size))
    else:
        wal.unlink(missing_ok=True)
        file.with_name("ledger.sqlite-shm").unlink(missing_ok=True)
        file.write_bytes(b"") if kind == "empty" else file.unlink()


def _fold(file: Path) -> None:
    import sqlite3

    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _opening(folder: Path) -> str:
    """What opening says, in a process of its own."""
    said = folder / "said"

    def look() -> None:
        try:
            open_ledger(settings_in(folder))
            said.write_text("opened")
        except YujingError as error:
            said.write_text(str(error))

    child(look)
    return said.read_text() if said.exists() else "died"


def shuffled(folder: Path, _: argparse.Namespace) -> Row:
    """Row 10: every observation of 60 mentions three times in a random order; ledger and archive end with the newest."""
    draw, settings = random.Random(10), settings_in(folder)
    ledger, archive = open_ledger(settings), open_archive(settings.archive_url)
    begun = now.world() - timedelta(hours=12)
    looks = [(n, k) for n in range(60) for k in range(20)] * 3
    draw.shuffle(looks)
    for start in range(0, len(looks), 30):
        page = looks[start : start + 30]
        save(ledger, settings, *(mention(n) for n, _ in page), snapshots=tuple(Snapshot(key=mention(n).key, at=begun + timedelta(minutes=k), reposts=(n * 7 + k * 13) % 101) for n, k in page))
        documents = ledger.index.claim()
        draw.shuffle(documents)
        archive.write(documents)
        if draw.random() < 0.5:  # else the confirmation is lost, and all is written once more
            ledger.index.confirm(documents)
    while documents := ledger.index.claim():
        archive.write(documents)
        ledger.index.confirm(documents)
    wanted = {mention(n).key: (n * 7 + 19 * 13) % 101 for n in range(60)}
    with ledger.engine.connect() as c:
        rows = c.execute(sa.select(t.mentions.c.key, t.mentions.c.reposts, t.mentions.c.id, t.mentions.c.version)).all()
        kept = c.execute(sa.select(sa.func.count()).select_from(t.snapshots)).scalar_one()
    wrong = sum(wanted[row.key] != row.reposts for row in rows)
    behind = sum(archive.versions(row.id >> 10).get(row.id) != row.version for row in rows)
    return wrong == behind == 0 and kept == 1200, f"observations {len(looks)} of {len(rows)} mentions, snapshots kept {kept} of 1200, not the newest in the ledger {wrong}, behind in the archive {behind}"


def migrations_killed(folder: Path, _: argparse.Namespace) -> Row:
    """Row 17: a real process killed before each statement and commit of the way to the newest schema."""
    whole, killed, halves, points = [dict[str, str]()], 0, 0, 0
    engine = open_engine(f"sqlite:///{folder}/whole")
    for number, sql in migrations.steps().items():
        migrations._take(engine, number, sql)
        whole.append(_schema(folder / "whole"))
    for nth in range(1, 1000):
        file = folder / str(nth)

        def take(file: Path = file, nth: int = nth) -> None:
            engine = open_engine(f"sqlite:///{file}")
            kill_at(engine, nth)
            migrations.migrate(engine)

        if child(take) == 0:
            break
        points, killed = points + 1, killed + 1
        halves += file.exists() and _schema(file) not in whole
        child(lambda file=file: migrations.migrate(open_engine(f"sqlite:///{file}")) and None)  # type: ignore[misc]
        halves += _schema(file) != whole[-1]
    return halves == 0 and killed > 50, f"steps {len(migrations.steps())}, statements killed at {killed}, half schemas {halves}"


def _schema(file: Path) -> dict[str, str]:
    import sqlite3

    with sqlite3.connect(file) as db:
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
