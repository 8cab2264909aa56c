"""The insurance platform by its sign-in (9001), or another transaction that changes nothing: signed as the province
wants it, judged as the gateway judges answers. A refusal on business grounds shows that the platform works."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import aiohttp

from xingwei.operations.gateway.channels.base import ChannelProblem
from xingwei.operations.gateway.channels.insurance.sender import profile_of, sm2_signer
from xingwei.operations.gateway.wire import insurance as yb

from ..base import MS, PASSWORD, UP, Kind, Looked, ProbeProblem, Signal, Task, register, schema, why
from ..http import session

SHANGHAI = timezone(timedelta(hours=8))
_serial = itertools.count(secrets.randbelow(10_000))
CODE = Signal("yb.infcode", "返回码不为 0", "", "high")


async def look(task: Task) -> Looked:
    s = task.settings
    profile, infno = profile_of(s), str(s.get("infno", "9001"))
    if not yb.harmless(infno):
        raise ProbeProblem(f"交易 {infno} 会留下数据，不能用来拨测")
    try:
        pem = s.get("sm2_key")
        keys = yb.Keys(str(s.get("access_key") or ""), str(s.get("secret") or ""), sm2_signer(pem) if pem else None)
        body = yb.dump(yb.sign_body(profile, keys, envelope(s, infno)), profile)
        url = str(s["url"]).rstrip("/") + profile.path_of(infno)
    except (ChannelProblem, yb.EnvelopeProblem) as problem:
        raise ProbeProblem(problem.reason) from None
    headers = yb.sign_headers(profile, keys, infno, body, time.time_ns() // 1_000_000, secrets.token_hex(8))
    began = time.perf_counter()
    try:
        async with session(task.shared).post(
            url, data=body, headers={**headers, "Content-Type": "application/json; charset=utf-8"},
            timeout=aiohttp.ClientTimeout(total=task.timeout_s), ssl=bool(s.get("verify", True)), allow_redirects=False,
        ) as answer:  # fmt: skip
            verdict = yb.judge(answer.status, await answer.content.read(262_144))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Looked(False, f"医保平台{why(getattr(error, 'os_error', None) or error)}")
    ms = (time.perf_counter() - began) * 1000
    values = {"ms": ms, "yb.infcode": 0.0 if verdict.kind == "ok" else 1.0}
    if verdict.kind in {"ok", "business"}:
        said = f"{infno} 正常" if verdict.kind == "ok" else f"平台在工作，{infno} 答：{verdict.text[:80]}"
        return Looked(True, f"{said}，{ms:.0f} 毫秒", values)
    return Looked(False, f"{infno}：{verdict.text or verdict.code}"[:200], values)


def envelope(s: Mapping[str, Any], infno: str) -> dict[str, Any]:
    """Section 1.1 of the interface; sign-in by a terminal of its own, so that no cashier's sign-in is touched."""
    now = datetime.now(SHANGHAI)
    hospital = str(s["hospital"])
    return {
        "infno": infno,
        "msgid": f"{hospital:0<12.12}{now:%Y%m%d%H%M%S}{next(_serial) % 10_000:04d}",
        "mdtrtarea_admvs": s.get("area", ""), "insuplc_admdvs": s.get("area", ""), "recer_sys_code": "YBXT",
        "dev_no": "", "dev_safe_info": "", "cainfo": "", "signtype": "", "infver": "V1.0",
        "opter_type": "1", "opter": s.get("operator", "XWPROBE"), "opter_name": "监测", "inf_time": f"{now:%Y-%m-%d %H:%M:%S}",
        "fixmedins_code": hospital, "fixmedins_name": s.get("hospital_name", ""), "sign_no": "",
        "input": json.loads(json.dumps(s.get("input") or {"signIn": {"opter_no": s.get("operator", "XWPROBE"), "mac": "", "ip": ""}})),
    }  # fmt: skip


_TEXT: dict[str, Any] = {"type": "string", "maxLength": 200}
SETTINGS: dict[str, Any] = {
    "url": {"type": "string", "pattern": "^https?://[^\\s]+$", "maxLength": 300, "title": "平台地址"},
    "infno": {"type": "string", "pattern": "^[0-9]{4}[A-Z]{0,2}$", "title": "交易编号"},
    "hospital": {"type": "string", "minLength": 1, "maxLength": 12, "title": "定点机构编号"},
    "hospital_name": _TEXT | {"title": "机构名称"}, "area": _TEXT | {"title": "就医地区划"},
    "operator": _TEXT | {"title": "经办人编号"}, "input": {"type": "object", "title": "输入"},
    "style": {"enum": ["single", "paths"], "title": "地址方式"}, "single_path": _TEXT | {"title": "唯一的路径"},
    "paths": {"type": "object", "title": "交易号与路径"},
    "headers": {"enum": ["none", "hmac_sha1", "sm3"], "title": "请求头签名"},
    "body": {"enum": ["none", "sm2", "sm3"], "title": "报文签名"}, "input_as": {"enum": ["object", "string"]},
    "access_key": _TEXT | {"title": "访问账号"}, "secret": PASSWORD | {"title": "访问密钥"},
    "sm2_key": PASSWORD | {"title": "SM2 私钥", "maxLength": 5000}, "verify": {"type": "boolean", "title": "校验证书"},
}  # fmt: skip
register(
    Kind("insurance", "医保签到", "向医保平台签到（9001）或做一笔查询，核对返回码", schema(SETTINGS, ["url", "hospital"]),
         (UP, MS, CODE), look, layer="third_party")
)  # fmt: skip
