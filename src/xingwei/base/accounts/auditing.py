"""The journal in the auditors' words: what an act is called, which there are, and what a filter means."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.base.journal.queries import read_lately
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import policy

from . import queries
from .models import User

READ_AGAIN = dt.timedelta(minutes=10)  # paging on and looking back is the same reading
TEXT_DAYS = 90  # a search for words that names no time looks back so far
VIAS = {
    "page": "网页",
    "api": "接口",
    "command": "命令行",
    "task": "后台任务",
    "email": "邮件",
    "mail": "邮件",
    "wecom": "企业微信",
    "probe": "拨测",
    "watch": "监测",
}
_AREAS = {
    "accounts.sign_in": "登录",
    "accounts.password": "密码",
    "accounts.mfa": "动态码",
    "accounts.session": "登录会话",
    "accounts.person": "人员与账号",
    "accounts.role": "角色与任命",
    "accounts.department": "科室",
    "accounts.organisation": "单位",
    "accounts.token": "API 令牌",
    "accounts.journal": "审计日志调阅",
    "accounts.policy": "权限表",
    "site.setting": "设置",
    "journal.chain": "审计日志校验",
    "journal.entries": "审计日志清理",
}
_VERBS = {
    "success": "登录",
    "fail": "登录失败",
    "lockout": "锁定",
    "unlock": "解锁",
    "leave": "退出",
    "create": "新建",
    "edit": "修改",
    "change": "修改",
    "delete": "删除",
    "disable": "停用",
    "enable": "启用",
    "reset": "重置",
    "grant": "授予",
    "revoke": "收回",
    "propose": "提出",
    "confirm": "确认",
    "refuse": "拒绝",
    "read": "调阅",
    "export": "导出",
    "import": "导入",
    "verify": "校验",
    "ask": "发起校验",
    "broken": "校验不通过",
    "purge": "清理",
    "enrol": "绑定",
    "remove": "解除",
    "renew": "更换",
    "end": "结束",
    "first": "首次安装",
    "rescue": "应急重置",
    "send": "送出",
    "publish": "发布",
    "add": "增加",
    "set": "设定",
    "save": "保存",
    "drop": "删除",
    "archive": "归档",
    "restore": "恢复",
    "upload": "上传",
    "hide": "隐藏",
    "open": "打开",
    "follow": "关注",
    "help": "有用",
    "check": "核对",
    "agree": "同意",
    "withdraw": "撤回",
    "record": "登记",
    "strike": "划去",
    "issue": "出具",
    "receive": "收到",
    "log": "登记",
    "back": "回电",
    "accept": "接受",
    "approve": "批准",
    "decline": "谢绝",
    "reject": "驳回",
    "cancel": "取消",
    "override": "指定",
    "switch": "切换",
    "enter": "登记",
    "correct": "更正",
    "in": "签到",
    "out": "签退",
    "move": "移动",
    "make": "生成",
    "forget": "作废",
    "tell": "告知",
    "test": "试发",
    "retry": "重试",
    "ignore": "忽略",
    "replay": "重新处理",
    "daily": "每日",
    "state": "改运行状态",
    "active": "启停",
    "draft": "起草",
    "release": "复核发布",
    "try": "试算",
    "look": "查看",
    "reveal": "查看原值",
    "search": "检索",
    "hold": "暂缓",
    "decide": "裁定",
    "cut": "人工切断",
    "lift": "恢复",
    "thresholds": "改熔断参数",
    "in_force": "生效",
    "plan": "安排",
    "start": "开始",
    "finish": "完成",
    "handle": "处理",
    "rules": "改规则",
    "request": "申请",
    "retire": "停用",
    "published": "发布",
    "retired": "停用",
    "write": "写出",
    "token": "更换令牌",
    "now": "立即",
}


def area_of(act: str) -> str:
    """ "desk.case.accept" → "desk.case"; the room alone where neither we nor the policy have a word for more."""
    area = act.rpartition(".")[0] or act
    return area if area in _AREAS or area in policy().resources else area.partition(".")[0]


def area_label(area: str) -> str:
    """What the acts of an area are about: our own word, the policy's, or the room's."""
    if area in _AREAS:
        return _AREAS[area]
    if resource := policy().resources.get(area):
        return resource.label
    return str(apps.get_app_config(area).verbose_name) if area in apps.app_configs else area


def act_label(act: str) -> str:
    """The act in words, for other rooms from the policy's labels: 问题单 · 受理. A verb without a word is left out:
    the summary says what was done, and the entry's page shows the act as it is written."""
    area, verb = area_of(act), act.rpartition(".")[2]
    resource = policy().resources.get(area) if area not in _AREAS else None
    action = resource.actions.get(verb) if resource else None
    word = action.label if action else _VERBS.get(verb, "")
    return f"{area_label(area)} · {word}" if word else area_label(area)


def recorded_acts() -> list[str]:
    """Every act that occurs in the journal, by skipping through the index from one to the next."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE found AS ("
            " (SELECT act FROM journal_entry ORDER BY act LIMIT 1)"
            " UNION ALL"
            " SELECT (SELECT e.act FROM journal_entry e WHERE e.act > found.act ORDER BY e.act LIMIT 1)"
            " FROM found WHERE found.act IS NOT NULL)"
            " SELECT act FROM found WHERE act IS NOT NULL"
        )
        return [row[0] for row in cursor.fetchall()]


def areas(actor: Actor) -> list[tuple[str, str]]:
    """(area, label) of what occurs, in order of the labels."""
    found = {area_of(act) for act in recorded_acts()}
    return sorted(((a, area_label(a)) for a in found), key=lambda pair: pair[1])


def in_areas(values: list[str], actor: Actor) -> Q:
    return Q(act__in=[a for a in recorded_acts() if area_of(a) in values])


def by_whom(values: list[str], actor: Actor) -> Q:
    """Acts of whom the text may mean: an account by name, pinyin or 工号, or the name as it was written."""
    people = User.objects.filter(queries.matching(values[0])).values_list("pk", flat=True)[:200]
    return Q(actor_id__in=list(people)) | Q(actor_id=None, actor_name=values[0])


def on_what(values: list[str], actor: Actor) -> Q:
    """ "accounts.user:12" is that very object; anything else is looked for in the objects' labels."""
    kind, colon, ident = values[0].partition(":")
    if colon and "." in kind:
        return Q(target_type=kind, target_id=ident)
    return Q(target_label__icontains=values[0])


def since(values: list[str], actor: Actor) -> Q:
    day = _day(values[0])
    return Q(at__gte=_midnight(day)) if day else Q()


def until(values: list[str], actor: Actor) -> Q:
    day = _day(values[0])
    return Q(at__lt=_midnight(day + dt.timedelta(days=1))) if day else Q()


def looks_far(query: Any) -> bool:
    """Whether a filter asks for words without saying since when: then TEXT_DAYS are looked through."""
    words = bool(query.get("q", "").strip())
    target = query.get("target", "").strip()
    return (words or bool(target and ":" not in target)) and not _day(query.get("from", ""))


def note_reading(actor: Actor, what: dict[str, Any], said: str, target: Entry | None = None) -> None:
    """Reading the journal is recorded, once for the same reading within a short while."""
    if not read_lately(actor.id, "accounts.journal.read", what, READ_AGAIN):
        with transaction.atomic():
            record(actor, "accounts.journal.read", target, said, after=what)


def differences(entry: Entry) -> list[dict[str, Any]]:
    """What the act changed, field by field: name in words, before, after (None where there was none).

    References are shown by the number that was recorded: what it is called today may not be what it was.
    """
    fields = _fields(entry.target_type)
    before, after = entry.before or {}, entry.after or {}
    return [
        {
            "label": str(getattr(fields.get(key), "verbose_name", key)),
            "before": _shown(fields.get(key), before[key]) if key in before else None,
            "after": _shown(fields.get(key), after[key]) if key in after else None,
        }
        for key in dict.fromkeys([*before, *after])
    ]


def _fields(target_type: str) -> dict[str, Any]:
    try:
        model = apps.get_model(target_type)
    except (LookupError, ValueError):
        return {}
    return {f.name: f for f in model._meta.get_fields() if hasattr(f, "verbose_name")}


def _shown(field: Any, value: Any) -> str:
    choices = dict(getattr(field, "flatchoices", None) or ())
    if isinstance(value, str) and value in choices:
        return str(choices[value])
    if isinstance(value, int) and getattr(field, "many_to_one", False):
        return f"编号 {value}"
    return _text(value)


def _text(value: Any) -> str:
    if value is None or value == "":
        return "（空）"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(_text(v) for v in value) or "（空）"
    if isinstance(value, dict):
        return "；".join(f"{k}：{_text(v)}" for k, v in value.items()) or "（空）"
    return str(value)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        return None


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
