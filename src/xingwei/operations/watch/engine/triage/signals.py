"""What a signal's name says: whether high or low is bad, from where on, and whether it shows a cause or a symptom.

A *cause* is a state of the node itself (its disk is full, somebody holds a lock there). A *symptom* is what its callers
feel, and may come from anything it needs (slow, failing, silent). *Load* is demand: more of it is only a hint. The
names are those of the fault catalogue; names of published data sets are read by the words in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Meaning:
    """bad: up, down, both. role: cause, symptom, load. soft: below it (above, where bad is down) a deviation means
    little; hard: from here on it is trouble whatever was usual. floor: the least that counts as one deviation, in the
    signal's unit; relative: the same as a share of the usual value. jump: it is bad however small (counters)."""

    bad: str = "up"
    role: str = "symptom"
    soft: float | None = None
    hard: float | None = None
    floor: float = 0.0
    relative: float = 0.08
    title: str = ""


_KNOWN: dict[str, Meaning] = {
    # people's functions, end to end
    "syn.rt": Meaning(floor=0.05, soft=0.8, relative=0.12, title="模拟业务用时"),
    "syn.fail": Meaning(floor=0.02, hard=0.9, soft=0.05, title="模拟业务失败"),
    "biz.rate": Meaning("both", "load", floor=0.5, relative=0.12, title="业务量"),
    "biz.fail": Meaning(floor=0.01, soft=0.03, title="业务失败率"),
    # databases
    "db.blocked": Meaning(role="cause", floor=1.0, soft=4, hard=20, title="锁等待会话"),
    "db.longtx_s": Meaning(role="cause", floor=15, soft=60, title="最长事务"),
    "db.deadlock": Meaning(role="cause", floor=0.4, soft=0.5, title="死锁"),
    "db.sess_pct": Meaning(role="cause", floor=3, soft=80, hard=97, title="会话占用"),
    "db.tbs_pct": Meaning(role="cause", floor=1, soft=92, hard=99, title="表空间占用"),
    "db.arch_pct": Meaning(role="cause", floor=2, soft=92, hard=99, title="归档区占用"),
    "db.temp_pct": Meaning(role="cause", floor=3, soft=90, hard=99, title="临时空间占用"),
    "db.undo_err": Meaning(role="cause", floor=0.3, soft=0.5, title="快照过旧"),
    "db.sql_top": Meaning(role="cause", floor=0.05, soft=0.5, relative=0.15, title="最重语句单次用时"),
    "db.redo_wait": Meaning(role="cause", floor=2, soft=20, title="写日志等待"),
    "db.iowait": Meaning(role="cause", floor=2, soft=15, title="数据库读写等待"),
    "db.invalid": Meaning(role="cause", floor=0.5, soft=0.5, title="失效对象"),
    "db.adhoc": Meaning(role="cause", floor=5, soft=20, title="临时查询占用"),
    "db.batch": Meaning(role="cause", floor=0.15, soft=0.5, title="批处理在跑"),
    "db.connect_ms": Meaning(role="symptom", floor=8, soft=60, title="连接用时"),
    "db.rt": Meaning(floor=2, soft=25, relative=0.12, title="数据库应答"),
    "db.fail": Meaning(floor=0.02, soft=0.05, hard=0.9, title="数据库失败率"),
    "repl.lag": Meaning(role="cause", floor=3, soft=60, title="复制落后"),
    # hosts
    "host.cpu": Meaning(role="cause", floor=4, soft=75, hard=97, title="处理器"),
    "host.steal": Meaning(role="cause", floor=1.5, soft=8, title="被宿主机挤占"),
    "host.mem": Meaning(role="cause", floor=3, soft=88, hard=98, title="内存"),
    "host.swap": Meaning(role="cause", floor=5, soft=30, title="换页"),
    "host.disk": Meaning(role="cause", floor=1, soft=92, hard=98, title="磁盘"),
    "host.inode": Meaning(role="cause", floor=1, soft=92, hard=98, title="文件数"),
    "host.iowait": Meaning(role="cause", floor=3, soft=20, title="磁盘等待"),
    "host.fd": Meaning(role="cause", floor=2, soft=85, hard=97, title="文件句柄"),
    "host.offset": Meaning("both", "cause", floor=0.15, soft=2.0, hard=30, title="时钟偏差"),
    "host.up": Meaning("down", "symptom", floor=0.02, title="主机在线"),
    "host.uptime_h": Meaning("down", "cause", floor=2, relative=0.02, title="开机时长"),
    "tls.days": Meaning("down", "cause", floor=1, soft=3, hard=0.0, title="证书剩余天数"),
    "lic.days": Meaning("down", "cause", floor=1, soft=3, hard=0.0, title="授权剩余天数"),
    # network
    "net.up": Meaning("down", "symptom", floor=0.02, title="线路连通"),
    "net.loss": Meaning(role="cause", floor=0.25, soft=0.8, title="丢包"),
    "net.rtt": Meaning(role="cause", floor=0.4, soft=3.0, relative=0.2, title="往返"),
    "net.if_err": Meaning(role="cause", floor=1.5, soft=5, title="端口错误"),
    "net.bcast": Meaning(role="cause", floor=40, soft=400, title="广播包"),
    "net.macflap": Meaning(role="cause", floor=0.4, soft=1, title="地址漂移"),
    "net.jumbo": Meaning("down", "cause", floor=0.03, title="大包连通"),
    "net.util": Meaning(role="cause", floor=4, soft=80, hard=97, title="带宽占用"),
    "net.nat_sess": Meaning(role="cause", floor=3, soft=90, hard=98, title="防火墙会话"),
    "net.gate_queue": Meaning(role="cause", floor=5, soft=30, title="网闸积压"),
    "net.power": Meaning("down", "cause", floor=0.02, title="供电"),
    "net.reset": Meaning(role="cause", floor=0.5, soft=2, title="空闲连接被断"),
    "net.dns": Meaning("down", "cause", floor=0.03, title="域名解析"),
    "net.tunnel": Meaning("down", "cause", floor=0.03, title="隧道"),
    # applications
    "app.up": Meaning("down", "symptom", floor=0.02, title="服务在线"),
    "app.rt": Meaning(floor=0.02, soft=0.4, relative=0.15, title="服务用时"),
    "app.err": Meaning(floor=0.006, soft=0.02, title="服务出错率"),
    "app.pool": Meaning(floor=4, soft=75, title="线程占用"),
    "app.demand": Meaning("both", "load", floor=2.0, relative=0.1, title="业务量合计"),
    "app.queue": Meaning(floor=2, soft=10, title="排队"),
    "app.heap": Meaning(role="cause", floor=3, soft=85, hard=97, title="堆内存"),
    "app.gc": Meaning(role="cause", floor=1, soft=8, title="垃圾回收"),
    "app.job_age_h": Meaning(role="cause", floor=2, soft=25, title="定时任务未跑"),
    "app.consumer_age_s": Meaning(role="cause", floor=20, soft=120, title="消费者心跳"),
    "app.stuck": Meaning(role="cause", floor=1.5, soft=5, title="停在中间状态的单据"),
    "app.dup": Meaning(role="cause", floor=0.4, soft=1, title="重复记录"),
    "app.node_gap": Meaning(role="cause", floor=0.2, soft=0.5, title="节点间配置不同"),
    # interfaces
    "if.rate": Meaning("down", "load", floor=0.5, relative=0.15, title="接口流量"),
    "if.err": Meaning(floor=0.01, soft=0.03, title="接口失败率"),
    "if.timeout": Meaning(floor=0.01, soft=0.03, title="接口超时率"),
    "if.queue": Meaning(floor=3, soft=20, title="接口积压"),
    "if.oldest_s": Meaning(floor=10, soft=90, title="最久等待"),
    "if.ack_ms": Meaning(floor=15, soft=400, relative=0.15, title="对方应答用时"),
    "if.dead": Meaning(role="cause", floor=0.2, soft=0.5, title="死信"),
    "if.gap": Meaning(role="cause", floor=1.0, soft=2, title="发出与收到之差"),
    "if.dup": Meaning(role="cause", floor=0.4, soft=1, title="重复报文"),
    "if.unmatched": Meaning(role="cause", floor=0.6, soft=2, title="未对照"),
    "if.garbled": Meaning(role="cause", floor=0.4, soft=1, title="乱码"),
    "if.misorder": Meaning(role="cause", floor=0.4, soft=1, title="乱序"),
    "if.ack_mismatch": Meaning(role="cause", floor=0.4, soft=0.5, title="应答错位"),
    "if.halfopen": Meaning(role="cause", floor=0.2, soft=0.5, title="半开连接"),
    "if.uncertain": Meaning(role="symptom", floor=0.4, soft=0.5, title="结果不明"),
    "yb.sign_age_h": Meaning(role="cause", floor=2, soft=26, title="签到距今"),
    # devices
    "dev.up": Meaning("down", "symptom", floor=0.02, title="设备会话"),
    "dev.last_msg_s": Meaning(floor=60, soft=400, relative=0.3, title="距上一条结果"),
    "dev.nak": Meaning(role="cause", floor=0.5, soft=2, title="校验出错"),
    "dev.flag": Meaning(role="cause", floor=0.5, soft=1.5, title="质控与报警标记"),
    "dev.offset": Meaning("both", "cause", floor=4, soft=60, title="设备时钟偏差"),
    "dev.median_ratio": Meaning("both", "cause", floor=0.06, soft=0.5, title="结果中位数之比"),
    "dev.unread": Meaning(role="cause", floor=0.03, soft=0.1, title="条码未读出"),
    "dev.resend": Meaning(role="cause", floor=0.6, soft=3, title="重发旧样本"),
    "dev.reject": Meaning(role="cause", floor=0.4, soft=1, title="拒绝连接"),
    # third parties, as seen from our side of them
    "tp.up": Meaning("down", "symptom", floor=0.02, title="对方端口"),
    "tp.rt": Meaning(floor=0.05, soft=1.0, relative=0.15, title="对方用时"),
    "tp.http5xx": Meaning(role="cause", floor=0.01, soft=0.03, title="对方 5xx"),
    "tp.group_fail": Meaning(role="cause", floor=0.03, soft=0.1, title="一类人员全部失败"),
    "tp.refused": Meaning(role="cause", floor=0.02, soft=0.05, title="对方拒绝连接"),
    # clients
    "cl.fail": Meaning(floor=0.02, soft=0.05, title="终端失败率"),
    "cl.one_pc": Meaning(role="cause", floor=0.2, soft=0.5, title="单台终端异常"),
    "cl.av_hits": Meaning(role="cause", floor=0.5, soft=1, title="杀毒隔离"),
    "cl.patched_fail": Meaning(role="cause", floor=0.04, soft=0.15, title="打过补丁的终端失败率"),
    "cl.old_version": Meaning(role="cause", floor=0.02, soft=0.05, title="旧版客户端"),
}
# By words in the name, for data sets of others; the first that fits.
_WORDS: tuple[tuple[str, Meaning], ...] = (
    (r"(^|[._-])(up|alive|health|availab\w*|success\w*)$", Meaning("down", "symptom", floor=0.02)),
    (r"lat|dur|response|(^|[._-])rt|p\d\d|time", Meaning(role="symptom", relative=0.05)),
    (r"err|fail|5xx|timeout|exception", Meaning(role="symptom", floor=0.01)),
    (r"work|load|rate|request|throughput|qps|tps|count", Meaning("both", "load", relative=0.05)),
    (r"cpu|mem|disk|io|swap|socket|fs|net|heap|gc|thread|conn", Meaning("both", "cause", relative=0.05)),
)
_OTHER = Meaning("both", "symptom", relative=0.05)


@lru_cache(maxsize=4096)
def meaning(signal: str) -> Meaning:
    """By the whole name ("host.cpu"), by its beginning ("syn.rt:收费"), or by the words in it."""
    known = _KNOWN.get(signal) or _KNOWN.get(signal.partition(":")[0])
    if known:
        return known
    for pattern, found in _WORDS:
        if re.search(pattern, signal.lower()):
            return found
    return _OTHER


def title_of(signal: str) -> str:
    return meaning(signal).title or signal


def known() -> dict[str, Meaning]:
    """All signals that have a meaning of their own, for pages and for the schema of the responsibility list."""
    return dict(_KNOWN)
