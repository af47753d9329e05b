#!/bin/sh
# Makes .venv with everything, and does nothing when nothing has changed.
# PyTorch: its CPU build, from the machine where pip finds one; else from YUJING_TORCH_INDEX
# (PyTorch's public CPU index is https://download.pytorch.org/whl/cpu); else from the default index.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=.venv
stamp=$venv/.ready
torch_version=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' requirements.lock)
wanted=$({ "$python" --version 2>&1 || true; cat pyproject.toml requirements.lock deploy/setup.sh; } | cksum)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
if ! command -v "$python" >/dev/null 2>&1; then
    echo "Python is not installed. Run:  sudo apt-get install -y python3 python3-venv" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Yujing needs Python 3.11 or newer; this is $("$python" --version). Set PYTHON=python3.11 (or newer) and run make again." >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python's venv module is missing. Run:  sudo apt-get install -y python3-venv python${version}-venv" >&2
    exit 1
fi

echo "[1/4] Virtual environment ($venv)"
[ -x $venv/bin/python ] || "$python" -m venv $venv
echo "[2/4] pip (Debian's own is too old for some packages)"
$venv/bin/python -m pip install --quiet --upgrade pip
pip="$venv/bin/python -m pip install --disable-pip-version-check --constraint requirements.lock"
echo "[3/4] PyTorch $torch_version"
if ! $venv/bin/python -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$torch_version')" 2>/dev/null; then
    if $pip --no-index --no-deps "torch==$torch_version" >/dev/null 2>&1; then
        echo "      the CPU build found on this machine"
    elif [ -n "${YUJING_TORCH_INDEX:-}" ]; then
        $pip --no-deps --index-url "$YUJING_TORCH_INDEX" "torch==$torch_version"
    else
        echo "      from the default index: this may be the CUDA build, about 2.7 GB."
        echo "      For the CPU build (200 MB) stop here and run:  YUJING_TORCH_INDEX=https://download.pytorch.org/whl/cpu make setup"
        $pip "torch==$torch_version"
    fi
fi
echo "[4/4] Everything else (a few minutes the first time)"
$pip --progress-bar on --editable '.[dev,training]' | sed -n 's/^\(Collecting [^ (]*\|Downloading [^ ]*\|Installing collected packages\).*/      \1/p'
$venv/bin/python -c 'import scrapy, streamlit, sqlalchemy, torch' || { echo "The set-up is not whole; run  rm -rf .venv && make setup" >&2; exit 1; }
echo "$wanted" > "$stamp"
echo "Ready."
