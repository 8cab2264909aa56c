"""What the environment says about this installation. Pure: reads os.environ, touches nothing else.

XINGWEI_HOME          where everything that must survive a restart lives (default: ./var)
DATABASE_URL          an external PostgreSQL; without it the embedded one under XINGWEI_HOME is used
XINGWEI_BIND, _PORT   where the web server listens (default 127.0.0.1:8000)
XINGWEI_HOSTS         host names that users may type, comma-separated (default: any when bound to loopback)
XINGWEI_PUBLIC_URL    the address that links in messages carry
XINGWEI_TLS           "1" when a reverse proxy in front speaks TLS: secure cookies, HSTS
XINGWEI_PROXIES       addresses of reverse proxies whose X-Forwarded-For is believed (default 127.0.0.1)
XINGWEI_DEMO_DAYS     how many days of the demonstration are lived before the first start (default 365)
XINGWEI_HOSPITAL      "0": the demonstration without its simulated hospital
XINGWEI_SECRET_KEY    overrides the key file under XINGWEI_HOME/secret
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .trouble import Trouble

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
REPO = Path(__file__).resolve().parents[4]


class ConfigError(Trouble):
    """A setting of the environment cannot be used. The message is Chinese and says what to do."""


@dataclass(frozen=True, slots=True)
class Config:
    home: Path
    database_url: str | None
    bind: str
    port: int
    hosts: tuple[str, ...]
    public_url: str
    proxies: tuple[str, ...]
    tls: bool
    debug: bool
    demo_days: int = 365
    hospital: bool = True

    @property
    def pgdata(self) -> Path:
        return self.home / "pg"

    @property
    def secrets(self) -> Path:
        return self.home / "secret"

    @property
    def media(self) -> Path:
        return self.home / "files"

    @property
    def journal_heads(self) -> Path:
        return self.home / "journal-heads"

    @property
    def static(self) -> Path:
        return self.home / "static"

    @property
    def logs(self) -> Path:
        return self.home / "log"

    @property
    def run(self) -> Path:
        """Locks and the supervisor's state; worthless once nothing runs."""
        return self.home / "run"

    @property
    def backups(self) -> Path:
        return self.home / "backups"


def from_environment(env: dict[str, str] | None = None) -> Config:
    """Read the configuration; raises ConfigError with one clear sentence."""
    e = dict(os.environ if env is None else env)
    home = Path(e.get("XINGWEI_HOME") or REPO / "var").expanduser().resolve()
    bind = e.get("XINGWEI_BIND", "127.0.0.1")
    raw_port = e.get("XINGWEI_PORT", "8000")
    if not raw_port.isdecimal() or not 0 < (port := int(raw_port)) < 65536:
        raise ConfigError(f"端口“{raw_port}”不对：XINGWEI_PORT 应是 1 到 65535 之间的整数。")
    url = e.get("DATABASE_URL") or None
    if url is not None:
        _check_database_url(url)
    return Config(
        home=home,
        database_url=url,
        bind=bind,
        port=port,
        hosts=_listed(e, "XINGWEI_HOSTS") or ("*",),
        proxies=_listed(e, "XINGWEI_PROXIES") or ("127.0.0.1",),
        public_url=e.get(
            "XINGWEI_PUBLIC_URL",
            f"http://{'localhost' if bind == '0.0.0.0' else bind}:{port}",  # noqa: S104 - read, not bound
        ),
        tls=e.get("XINGWEI_TLS") == "1",
        debug=e.get("XINGWEI_DEBUG") == "1",
        demo_days=_days(e.get("XINGWEI_DEMO_DAYS", "365")),
        hospital=e.get("XINGWEI_HOSPITAL") != "0",
    )


def _listed(env: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())


def _days(raw: str) -> int:
    if not raw.isdigit() or not 1 <= int(raw) <= 365:
        raise ConfigError(f"XINGWEI_DEMO_DAYS“{raw}”不对：应是 1 到 365 之间的整数。")
    return int(raw)


def _check_database_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigError("DATABASE_URL 读不懂：端口或方括号写错了。") from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ConfigError(
            "DATABASE_URL 应以 postgresql:// 开头，例如 postgresql://xingwei:密码@10.0.0.5:5432/xingwei 。"
        )
    if not parts.path.strip("/"):
        raise ConfigError("DATABASE_URL 没有写数据库名，例如 postgresql://xingwei:密码@10.0.0.5:5432/xingwei 。")


def secret_key(config: Config) -> str:
    """The key that signs sessions; made once, kept in a file that only its owner can read."""
    if key := os.environ.get("XINGWEI_SECRET_KEY"):
        return key
    path = config.secrets / "django.key"
    try:
        if not path.exists():
            _make_key(path)
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(
            f"数据目录 {config.home} 不能写（{error.strerror}）。请改目录权限，或用 XINGWEI_HOME 指定别的目录。"
        ) from error


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text(secrets.token_urlsafe(50))
    scratch.chmod(0o600)
    try:
        os.link(scratch, path)  # the first of several processes wins
    except FileExistsError:
        pass
    finally:
        scratch.unlink()
