"""What the security administrator and the audit administrator decide, with the numbers that assessors of
class-3 protection (GB/T 22239) expect as defaults."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from xingwei.base.journal import options
from xingwei.base.site.queries import value
from xingwei.base.site.registry import Setting, register

_SIGN_IN, _SESSION, _JOURNAL = "登录与密码", "登录会话", "审计日志"


def _directory(path: str) -> str | None:
    if path and not Path(path).is_absolute():
        return "请写绝对路径，例如 /mnt/audit"
    return None


def _address(url: str) -> str | None:
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
        return "请写以 http:// 或 https:// 开头的地址"
    return None


def _security(key: str, group: str, label: str, default: int, unit: str, low: int, high: int, why: str) -> Setting:
    return Setting(f"accounts.{key}", group, label, default, unit=unit, low=low, high=high, why=why, admin="security")


register(
    _security("password.length", _SIGN_IN, "密码最短长度", 8, "位", 8, 64, "等保三级测评：不少于 8 位"),
    _security("password.classes", _SIGN_IN, "密码至少几类字符", 3, "类", 3, 4, "大写、小写、数字、符号中至少 3 类"),
    _security("password.days", _SIGN_IN, "密码有效期", 90, "天", 1, 180, "等保三级测评：不超过 90 天更换一次"),
    _security("password.history", _SIGN_IN, "不能重用最近几个密码", 5, "个", 1, 24, "更换密码时不得用回旧密码"),
    _security("lockout.failures", _SIGN_IN, "连续输错几次锁定", 5, "次", 3, 10, "等保三级测评：5 次失败即锁定"),
    _security("lockout.minutes", _SIGN_IN, "锁定时长", 15, "分钟", 5, 30, "等保三级测评：锁定 5 到 30 分钟"),
    Setting(
        "accounts.mfa.administrators",
        _SIGN_IN,
        "三员登录必须用动态码",
        True,
        kind="bool",
        why="GB/T 22239 8.1.4.1 d：两种以上鉴别技术，其中一种用密码技术",
        admin="security",
    ),
    Setting(
        "accounts.mfa.remote",
        _SIGN_IN,
        "院外人员登录必须用动态码",
        True,
        kind="bool",
        why="9.2c 网络远程服务仅在院内许可下：研发、商务、支撑从院外登录",
        admin="security",
    ),
    Setting(
        "accounts.duty_phone",
        _SIGN_IN,
        "登录页上的值班电话",
        "",
        kind="text",
        why="9.2a 7×24 小时响应：登录不了也能找到人",
    ),
    _security(
        "dormant_days", _SIGN_IN, "多久没登录算闲置账号", 90, "天", 30, 365, "GB/T 22239：及时停用多余的、过期的账户"
    ),
    _security("session.idle_admin", _SESSION, "三员无操作自动退出", 10, "分钟", 5, 10, "等保三级测评：5 到 10 分钟"),
    _security("session.idle", _SESSION, "其他人无操作自动退出", 30, "分钟", 5, 60, "窗口岗位离开即应退出"),
    _security("session.hours", _SESSION, "一次登录最长", 12, "小时", 1, 24, "到时须重新登录，操作再多也一样"),
    _security("session.concurrent", _SESSION, "同一账号最多同时登录", 3, "处", 1, 10, "超出时最早的一处被退出"),
    Setting(
        "journal.retention_days",
        _JOURNAL,
        "审计日志留存",
        options.RETENTION_DAYS,
        unit="天",
        low=options.RETENTION_DAYS_MIN,
        high=36_500,
        why="网络安全法：网络日志留存不少于六个月（按 184 天计）",
        admin="audit",
    ),
    Setting(
        "journal.export_directory",
        _JOURNAL,
        "链头另存目录",
        "",
        kind="text",
        why="本机以外的共享目录；数据库管理员够不着的地方才作得了证",
        admin="audit",
        check=_directory,
    ),
    Setting(
        "journal.export_url",
        _JOURNAL,
        "链头送出地址",
        "",
        kind="text",
        why="日志审计设备等接收链头的地址（HTTP POST）",
        admin="audit",
        check=_address,
    ),
)


def journal_options() -> options.Options:
    """The audit administrator's decisions, as the journal reads them."""
    return options.Options(
        retention_days=value("journal.retention_days"),
        export_directory=value("journal.export_directory"),
        export_url=value("journal.export_url"),
    )
