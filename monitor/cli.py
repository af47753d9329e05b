"""The command ``yujing``. Each command imports what it needs when it runs, and no more."""

from __future__ import annotations

import argparse
import getpass
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from incidents.errors import YujingError

if TYPE_CHECKING:
    from incidents.settings import Settings

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run, say errors in a sentence."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # web addresses hold robots' tokens
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a look that outlasts a second skips the next one, by design
    command: Command = chosen.command
    try:
        return command(chosen)
    except YujingError as error:
        print(f"yujing: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="yujing", description="舆警: a media and online-sentiment crisis monitor for Chinese-language brands.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Command, help_: str, example: str = "") -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_, description=help_, epilog=f"Example: {example}" if example else None)
        one.set_defaults(command=command)
        return one

    add("run", _run, "Run everything with the settings file (YUJING_SETTINGS or yujing.toml).", "yujing run")
    drill = add("drill", _drill, "Run a written crisis of an invented brand through the real product.", "yujing drill")
    drill.add_argument("--data", type=Path, default=Path("drill-data"), help="folder of the drill (default: drill-data)")
    for role, what in (("crawl", "Read due sources."), ("judge", "Score, group, foresee and decide."), ("tell", "Deliver alerts; feed the archive."), ("show", "Serve the dashboard.")):
        add(role, _worker(role), f"{what} One process of `run`, to be started by hand on any machine.", f"yujing {role}")
    doctor = add("doctor", _doctor, "Say in words what is wrong and the way out. Exit status 1 when something is.", "yujing doctor")
    doctor.add_argument("--json", action="store_true", help="one JSON object a finding: code, bad, weak, what, way_out")
    _add_memories(add)
    _add_people(commands)
    _add_archive(commands)
    _add_sources(commands)
    _add_brands(commands)
    _add_lines(add)
    return parser


def _add_memories(add: Callable[..., argparse.ArgumentParser]) -> None:
    add("backup", _memory("run_backup"), "Write the whole ledger to one file while everybody works.", "yujing backup yujing-20261120.backup").add_argument("file", type=Path)
    add("restore", _memory("run_restore"), "Put a backup in place (stop Yujing first); the old ledger is kept.", "yujing restore yujing-20261120.backup").add_argument("file", type=Path)
    add("forget", _memory("run_forget"), "Erase an author, an address or a mention for good.", "yujing forget https://weibo.example/1").add_argument("file", metavar="AUTHOR|URL|KEY")
    add("retention", lambda _: _memories().run_retention(_settings()[0]), "Let go what is old and print the proof.", "yujing retention")


def _memory(name: str) -> Command:
    return lambda chosen: int(getattr(_memories(), name)(_settings()[0], chosen.file))


def _memories() -> ModuleType:
    from monitor import memories

    return memories


def _add_people(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    people = commands.add_parser("people", help="Who is told and who may come in.").add_subparsers(required=True, metavar="COMMAND")
    add = people.add_parser("add", help="Add a person to the settings and set a password.", epilog='Example: yujing people add lin --name 林叙 --role duty --mobile 13800000001 --channel ding')
    add.add_argument("login")
    add.add_argument("--name", required=True)
    add.add_argument("--role", action="append", required=True)
    add.add_argument("--mobile")
    add.add_argument("--channel", action="append", default=[])
    add.add_argument("--no-password", action="store_true", help="only told, cannot log in")
    add.set_defaults(command=_people_add)
    password = people.add_parser("password", help="Set somebody's password; their sessions end.", epilog="Example: yujing people password lin")
    password.add_argument("login")
    password.set_defaults(command=_people_password)
    link = people.add_parser("link", help="Print a log-in link that works once, for 24 hours.")
    link.add_argument("login")
    link.set_defaults(command=_people_link)


def _add_archive(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    archive = commands.add_parser("archive", help="The search index.").add_subparsers(required=True, metavar="COMMAND")
    rebuild = archive.add_parser("rebuild", help="Make the archive anew from the ledger.", epilog="Example: yujing archive rebuild")
    rebuild.set_defaults(command=_archive_rebuild)
    migrate = archive.add_parser("migrate", help="Move Elasticsearch's months to new indices while everybody works.", epilog="Example: yujing archive migrate --all")
    migrate.add_argument("--all", action="store_true", help="every month, not only those of another mapping")
    migrate.set_defaults(command=lambda chosen: int(_memories().run_migrate(_settings()[0], everything=chosen.all)))


def _add_sources(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    source = commands.add_parser("source", help="What is watched.").add_subparsers(required=True, metavar="COMMAND")
    source.add_parser("list", help="Every source and its health.", epilog="Example: yujing source list").set_defaults(command=_source_list)
    test = source.add_parser("test", help="Look at an address once and say what it shows; nothing is kept.", epilog="Example: yujing source test https://forum.example/forum.php?mod=forumdisplay&fid=2")
    test.add_argument("url")
    test.add_argument("--kind", default="", help="discuz, weibo or news (default: by what the page shows)")
    test.add_argument("--allow-host", action="append", default=[], metavar="HOST:PORT", help="a private address that may be read; those of the settings may too")
    test.set_defaults(command=_source_test)
    new = source.add_parser("add", help="Look at an address once, then write it into the settings file.", epilog="Example: yujing source add https://news.example/rss.xml --tier local")
    new.add_argument("url")
    for name, what in (("id", "short name (default: from the host's name)"), ("name", "the name that people read"), ("kind", "the reader (default: by what the page shows)"),
                       ("platform", "name in counts and forecasts"), ("tier", "central, mainstream, local, online or self-media"), ("every", "how often, like 10m"), ("legal-basis", "why we may read it")):
        new.add_argument(f"--{name}", help=what)
    new.add_argument("--brand", action="append", default=[], dest="brands", metavar="ID", help="look for this brand alone; may be repeated")
    new.add_argument("--anyway", action="store_true", help="write it although it cannot be read now")
    new.set_defaults(command=_source_add)
    for word, paused in (("pause", True), ("resume", False)):
        one = source.add_parser(word, help="Stop reading a source; nothing is forgotten." if paused else "Read a paused source again.", epilog=f"Example: yujing source {word} city-bbs")
        one.add_argument("id")
        one.set_defaults(command=_source_pause, paused=paused)


def _add_brands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    brand = commands.add_parser("brand", help="Whom is watched.").add_subparsers(required=True, metavar="COMMAND")
    add = brand.add_parser("add", help="Try a brand's names on the stored text, then write it into the settings file.", epilog="Example: yujing brand add 砚茉 '砚茉茶饮' --none 砚茉小区")
    add.add_argument("names", nargs="*", metavar="NAME", help="what people call it; asked for when left out")
    add.add_argument("--id", help="short name (default: from a Latin name, else brand)")
    add.add_argument("--none", action="append", default=[], metavar="WORD", help="a text with this word is not about the brand; may be repeated")
    add.add_argument("--query", help="a query beside the names (docs/query.md)")
    add.add_argument("--try", action="store_true", dest="only_try", help="only try it; write nothing")
    add.set_defaults(command=_brand_add)
    policy = commands.add_parser("policy", help="Who is told.").add_subparsers(required=True, metavar="COMMAND")
    policy.add_parser("check", help="Say who is told at each grade, and where the chain is weak.", epilog="Example: yujing policy check").set_defaults(command=_policy_check)


def _add_lines(add: Callable[..., argparse.ArgumentParser]) -> None:
    score = add("score", _score, "Score JSON lines from stdin.", """echo '{"id":1,"text":"喝完拉肚子了"}' | yujing score""")
    score.add_argument("--model", default="shipped", metavar="NAME|FOLDER|HUB-ID")
    match = add("match", _match, "Try a query on JSON lines from stdin.", """echo '{"id":1,"text":"刹车失灵"}' | yujing match '刹车 NEAR/10 失灵'""")
    match.add_argument("query")
    evaluate = add("evaluate", _evaluate, "Measure a sentiment model on the held-out part of the labelled set, by domain.", "yujing evaluate --model shipped --out plots")
    evaluate.add_argument("--model", action="append", metavar="NAME|FOLDER|HUB-ID", help="as for score, and snownlp; given twice or more: side by side (default: shipped)")
    evaluate.add_argument("--unknown", action="store_true", help="do not tell the model the domain")
    evaluate.add_argument("--part", default="test", choices=("dev", "test"))
    evaluate.add_argument("--peer-rows", type=int, default=60, metavar="N", help="rows of each source on which the models, the floor and SnowNLP are put side by side; 0: not at all")
    evaluate.add_argument("--out", type=Path, metavar="FOLDER", help="where the reliability plot goes")
    add("forecast", _forecast, "Forecast JSON lines from stdin.", "yujing forecast < followed.jsonl")
    backtest = add("backtest", _backtest, "Hold the forecaster against stored history: what it would have said at each crawl, and what came.", "yujing backtest --folder followed --out plots")
    backtest.add_argument("--brand", help="one brand of the settings (default: each of them)")
    backtest.add_argument("--folder", type=Path, help="JSON lines instead of the ledger: a folder of *.jsonl (or one file), a line as `forecast` reads it")
    backtest.add_argument("--out", type=Path, metavar="FOLDER", help="where reliability.png, precision-recall.png and alerts-recall.png go")
    backtest.add_argument("--threshold", type=int, metavar="N", help="what counts as viral (default: the brand's, else the line's first, else 500)")


def _settings() -> tuple[Settings, Path]:
    from incidents import i18n
    from incidents.settings import load, settings_path

    path = settings_path()
    settings = load(path)
    i18n.settle(settings.language)
    return settings, path


def _run(_: argparse.Namespace) -> int:
    from monitor.processes import on_signals
    from monitor.supervisor import Supervisor

    settings, path = _settings()
    print(f"舆警 · {settings.public_url} · Ctrl-C ends everything")
    Supervisor(settings=settings, settings_path=path.resolve()).run(on_signals())
    return 0


def _drill(chosen: argparse.Namespace) -> int:
    from monitor.drill.start import run_drill

    return run_drill(chosen.data)


def _worker(role: str) -> Command:
    def run(_: argparse.Namespace) -> int:
        from monitor import processes

        settings, path = _settings()
        if role == "show":
            import os
            import subprocess

            return subprocess.call([sys.executable, "-m", "dashboard.serve"], env={**os.environ, "YUJING_SETTINGS": str(path)})
        if role == "crawl":
            return processes.run_crawl(settings, processes.on_signals())
        {"judge": processes.run_judge, "tell": processes.run_tell}[role](settings, processes.on_signals())
        return 0

    return run


def _people_add(chosen: argparse.Namespace) -> int:
    from incidents.store.ledger import open_ledger
    from incidents.store.people import check_strength
    from monitor.people import add_person

    settings, path = _settings()
    password = None if chosen.no_password else _ask_password()
    if password is not None:
        check_strength(password)  # before anything is written
    changed = add_person(path, settings, login=chosen.login, name=chosen.name, roles=chosen.role, mobile=chosen.mobile, channels=chosen.channel)
    ledger = open_ledger(changed)
    ledger.people.sync(changed.people)
    if password is not None:
        ledger.people.set_password(chosen.login, password)
    print(f"{chosen.name} ({chosen.login}) is in {path}.")
    return 0


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password (12 characters or more): ")
    if getpass.getpass("Once more: ") != first:
        raise YujingError("The two passwords differ; nothing was set. Run the command again.")
    return first


def _people_password(chosen: argparse.Namespace) -> int:
    from incidents.store.ledger import open_ledger

    settings, _ = _settings()
    ledger = open_ledger(settings)
    ledger.people.sync(settings.people)
    ledger.people.set_password(chosen.login, _ask_password())
    print(f"The password of {chosen.login} is set.")
    return 0


def _people_link(chosen: argparse.Namespace) -> int:
    from incidents import now
    from incidents.errors import Refused
    from incidents.store.ledger import open_ledger

    settings, _ = _settings()
    ledger = open_ledger(settings)
    ledger.people.sync(settings.people)
    if ledger.people.one(chosen.login) is None:
        raise Refused(f"There is no person {chosen.login!r} in the settings.")
    print(f"{settings.public_url}/login/link?token={ledger.people.make_link(chosen.login, now.machine())}")
    return 0


def _archive_rebuild(_: argparse.Namespace) -> int:
    from incidents.store.ledger import open_ledger
    from monitor.processes import rebuild_archive

    settings, _path = _settings()
    shown = sys.stderr.isatty()
    total, refused = rebuild_archive(settings, open_ledger(settings), lambda n: print(f"\r{n} mentions", end="", file=sys.stderr) if shown else None)
    print(f"{total} mentions are in the archive.")
    for mention_id, fault in list(refused.items())[:3]:
        print(f"The archive refused mention {mention_id}: {fault}", file=sys.stderr)
    if refused:
        print(f"{len(refused)} were refused; `yujing tell` tries them again, `yujing doctor` shows what stays refused.", file=sys.stderr)
    return 1 if refused else 0


def _source_list(_: argparse.Namespace) -> int:
    from monitor.source_commands import list_sources

    print("\n".join(list_sources(_settings()[0])))
    return 0


def _source_test(chosen: argparse.Namespace) -> int:
    from incidents.settings import load, settings_path
    from monitor.source_commands import test_source

    known = load(settings_path()).allow_hosts if settings_path().exists() else ()
    good, lines = test_source(chosen.url, chosen.kind, (*known, *chosen.allow_host))
    print("\n".join(lines))
    return 0 if good else 1


def _source_add(chosen: argparse.Namespace) -> int:
    from monitor.source_commands import add_source

    settings, path = _settings()
    wanted = {key: getattr(chosen, key) for key in ("id", "name", "kind", "platform", "tier", "brands", "every", "legal_basis")}
    written, lines = add_source(path, settings, chosen.url, wanted=wanted, anyway=chosen.anyway)
    print("\n".join(lines))
    return 0 if written else 1


def _source_pause(chosen: argparse.Namespace) -> int:
    from monitor.source_commands import pause_source

    settings, path = _settings()
    print(pause_source(path, settings, chosen.id, paused=chosen.paused))
    return 0


def _brand_add(chosen: argparse.Namespace) -> int:
    from incidents.i18n import words
    from incidents.settings import settings_path
    from monitor.brand_commands import add_brand

    path = _settings()[1] if settings_path().exists() else settings_path()
    names = chosen.names or (input(words("brand.ask")).split() if sys.stdin.isatty() else [])
    print("\n".join(add_brand(path, names, brand_id=chosen.id, none=chosen.none, query=chosen.query, only_try=chosen.only_try)))
    return 0


def _policy_check(_: argparse.Namespace) -> int:
    from monitor.brand_commands import check_policy

    good, lines = check_policy(_settings()[0])
    print("\n".join(lines))
    return 0 if good else 1


def _doctor(chosen: argparse.Namespace) -> int:
    from incidents.errors import SettingsError
    from monitor.doctor import examine
    from monitor.finding import unusable

    try:
        findings = examine(*_settings())
    except SettingsError as error:
        findings = [unusable(error)]
    for finding in findings:
        print(finding.json() if chosen.json else finding.line())
    return 1 if any(finding.bad for finding in findings) else 0


def _score(chosen: argparse.Namespace) -> int:
    from nlp.score_lines import run

    return run(chosen.model, sys.stdin.buffer, sys.stdout.buffer)


def _match(chosen: argparse.Namespace) -> int:
    from incidents.query.lines import run

    return run(chosen.query, sys.stdin.buffer, sys.stdout.buffer)


def _evaluate(chosen: argparse.Namespace) -> int:
    from nlp.evaluate import run

    return run(chosen.model or ["shipped"], sys.stdout, unknown=chosen.unknown, part=chosen.part, peer_rows=chosen.peer_rows, out_folder=chosen.out)


def _forecast(_: argparse.Namespace) -> int:
    from nlp.forecast.lines import run

    return run(sys.stdin.buffer, sys.stdout.buffer)


def _backtest(chosen: argparse.Namespace) -> int:
    from monitor import backtesting

    if chosen.threshold is not None and chosen.threshold < 1:
        raise YujingError("--threshold must be a whole number from 1.")
    if chosen.folder is not None:
        return backtesting.from_folder(chosen.folder, chosen.threshold, chosen.out, sys.stdout)
    return backtesting.from_ledger(_settings()[0], chosen.brand, chosen.threshold, chosen.out, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
