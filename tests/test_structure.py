"""The import arrow, the names in dashboard/, and no cycles: read from the code itself."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("crawlers", "nlp", "alerts", "dashboard", "incidents", "monitor")
MAY_IMPORT = {
    "incidents": set(), "crawlers": {"incidents"}, "nlp": {"incidents"}, "alerts": {"incidents"}, "dashboard": {"incidents"},
    "monitor": {"incidents", "crawlers", "nlp", "alerts"},
}
FILES = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def imports(path: Path) -> set[str]:
    """Dotted names of all modules a file imports, lazily or not; relative ones made whole."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_arrow_points_one_way(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    for path in (ROOT / package).rglob("*.py"):
        ours = {name.split(".")[0] for name in imports(path)} & set(PACKAGES)
        assert ours <= allowed, f"{path.relative_to(ROOT)} imports {ours - allowed}"


def test_no_import_cycles() -> None:
    names = {module_name(path): path for path in FILES}
    arrows = {name: {target for target in imports(path) if target in names and target != name} for name, path in names.items()}
    for name, targets in arrows.items():  # a package's __init__ does not count against its own modules
        arrows[name] = {t for t in targets if not name.startswith(f"{t}.")}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "import cycle: " + " → ".join((*trail[trail.index(name):], name))
        if name not in done:
            for target in arrows[name]:
                walk(target, (*trail, name))
            done.add(name)

    for name in arrows:
        walk(name, ())


def test_names_in_dashboard_hide_nothing() -> None:
    taken = set(PACKAGES) | set(sys.stdlib_module_names) | {"streamlit", "scrapy", "torch", "tests"}
    for path in (ROOT / "dashboard").rglob("*.py"):
        assert path.stem not in taken, f"dashboard/{path.stem} would hide the module {path.stem}"


def test_only_now_asks_the_machine_for_the_time() -> None:
    for path in FILES:
        if path.name == "now.py" or "training" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert called not in {"datetime.now", "datetime.utcnow", "time.time", "time.monotonic", "date.today", "datetime.datetime.now"}, f"{path.relative_to(ROOT)}:{node.lineno} {called}"


def test_modules_stay_short() -> None:
    long = {str(p.relative_to(ROOT)): n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long, long
