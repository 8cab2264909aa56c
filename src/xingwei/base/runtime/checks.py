"""Before anything starts: is the port free, is there room on the disk?"""

from __future__ import annotations

import errno
import shutil
import socket
from pathlib import Path

import psutil

from .trouble import Trouble

FREE_MIN = 500 * 2**20
FREE_FIRST = 1500 * 2**20  # the embedded database, the demonstration, static files, and something to spare


def free_port(bind: str, port: int) -> None:
    """Raise Trouble when nobody can listen there."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise Trouble(_why(bind, port, error)) from error


def _why(bind: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"端口 {port} 已被{_holder(port)}占用。请停掉它，或换一个端口：./run --port {_another(port)}"
    if error.errno == errno.EACCES:
        return f"没有权限使用端口 {port}（1024 以下要 root）。请换一个端口：./run --port 8000"
    return f"不能在 {bind} 上监听：这台机器没有这个地址。请检查 --bind 或 XINGWEI_BIND。"


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
            if listens and connection.pid:
                return f"程序 {psutil.Process(connection.pid).name()}（进程 {connection.pid}）"
    except psutil.Error:
        pass
    return "别的程序"


def _another(port: int) -> int:
    return port + 1 if port < 65535 else port - 1


def room(home: Path, *, least: int | None = None) -> None:
    """Raise Trouble when the disk under home is nearly full: least bytes, or what a start needs."""
    place = home
    while not place.exists():
        place = place.parent
    needed = least if least is not None else FREE_MIN if (home / "pg").exists() else FREE_FIRST
    free = shutil.disk_usage(place).free
    if free < needed:
        raise Trouble(
            f"磁盘快满了：{place} 所在的磁盘只剩 {free // 2**20:,} MB，需要至少 {needed // 2**20:,} MB。"
            "请腾出空间，或用 XINGWEI_HOME 把数据目录放到别的磁盘。"
        )
