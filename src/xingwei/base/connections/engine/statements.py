"""What may be run on a hospital's database: one SELECT, judged on its syntax tree. Anything not understood is refused.

Parameters are written `:name` whatever the database; `styled` turns them into what its driver takes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

# kind of connection → what sqlglot calls its language
DIALECTS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "oracle": "oracle",
    "mssql": "tsql",
    "sqlite": "sqlite",
    "files": "duckdb",
}
_STYLES = {
    "postgresql": "%({})s",
    "mysql": "%({})s",
    "mssql": "%({})s",
    "oracle": ":{}",
    "sqlite": ":{}",
    "files": "${}",
}

# Functions by which a SELECT would write, wait, reach a file or another server. Those that the parser does not know at
# all are refused unless they stand in _PLAIN.
_FORBIDDEN = re.compile(
    r"^(pg_(sleep|read|ls|stat_file|terminate|cancel|reload|rotate|switch|logical|create|drop|advisory|try_advisory|file)"
    r"|lo_|dblink|nextval|setval|currval|set_config|query_to_|database_to_|table_to_|copy|sleep|benchmark|load_file"
    r"|get_lock|release_lock|master_pos_wait|sys_exec|sys_eval|openrowset|openquery|opendatasource|xp_|sp_|utl_|dbms_"
    r"|httpuritype|load_extension|writefile|readfile|edit|fts3_tokenizer|read_|parquet_|glob|getenv|sniff_|query)",
    re.IGNORECASE,
)
_PLAIN = frozenset(
    (
        "to_char", "to_date", "to_number", "to_timestamp", "nvl", "nvl2", "decode", "rtrim", "ltrim", "trim", "substr",
        "substring", "instr", "length", "len", "datalength", "upper", "lower", "trunc", "round", "floor", "ceil",
        "ceiling", "abs", "sign", "mod", "coalesce", "isnull", "ifnull", "nullif", "concat", "convert", "format",
        "date_format", "str_to_date", "date", "year", "month", "day", "hour", "minute", "second", "julianday",
        "strftime", "datediff", "dateadd",
    )
)  # fmt: skip


class StatementRefused(ValueError):
    """The statement may not be run; says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Checked:
    """text: as it is shown and run, parameters as :name. digest: of the text; what was shown is known by it."""

    text: str
    tables: tuple[str, ...]
    parameters: tuple[str, ...]
    digest: str


def check(text: str, kind: str) -> Checked:
    """Judge a statement for a kind of connection. Raises StatementRefused."""
    tree = _parse(text, kind)
    for node in tree.walk():
        _judge(node)
    clean = text.strip().rstrip(";").strip()
    own = {c.alias_or_name.lower() for c in tree.find_all(exp.CTE)}
    names = {t.sql(dialect=DIALECTS[kind], comments=False).split(" ")[0] for t in tree.find_all(exp.Table)}
    tables = tuple(sorted(n for n in names if n.lower().strip('"`[]') not in own))
    parameters = tuple(sorted({str(p.this) for p in tree.find_all(exp.Placeholder) if p.this}))
    return Checked(clean, tables, parameters, digest_of(clean))


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def styled(text: str, kind: str) -> str:
    """The statement with its parameters as the driver writes them; `check` must have passed."""
    tree = _parse(text, kind)
    style = _STYLES[kind]
    marks = list(tree.find_all(exp.Placeholder))
    for number, node in enumerate(marks):
        node.replace(exp.var(f"XWPARAM_{number}_{node.this}_"))
    out = tree.sql(dialect=DIALECTS[kind], comments=False)
    if marks and style.startswith("%"):  # drivers look for % only where there are parameters
        out = out.replace("%", "%%")
    return re.sub(r"XWPARAM_\d+_(\w+?)_(?!\w)", lambda found: style.format(found[1]), out)


def _parse(text: str, kind: str) -> Any:
    if not text.strip():
        raise StatementRefused("语句是空的")
    try:
        found = [t for t in sqlglot.parse(text, read=DIALECTS[kind]) if t is not None]
    except (SqlglotError, RecursionError) as error:
        reason = str(error).strip().splitlines()[0][:160]
        raise StatementRefused(f"语句读不懂，不执行：{reason}") from None
    if len(found) != 1:
        raise StatementRefused("一次只能写一条语句")
    tree = found[0]
    if not isinstance(tree, (exp.Select, exp.SetOperation)):
        raise StatementRefused("只能写 SELECT，不能写别的语句")
    return tree


def _judge(node: Any) -> None:
    if isinstance(node, (exp.DML, exp.DDL, exp.Command)) and not isinstance(node, exp.Query):
        raise StatementRefused("语句里含有改动数据的部分，不执行")
    if isinstance(node, exp.Into) or node.args.get("into"):
        raise StatementRefused("SELECT INTO 会建表或写文件，不执行")
    if isinstance(node, exp.Lock) or node.args.get("locks"):
        raise StatementRefused("FOR UPDATE 会锁住业务数据，不执行")
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Func):
        raise StatementRefused("不能从函数里读，只能读表和视图")
    if isinstance(node, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        raise StatementRefused("语句里含有改动数据的部分，不执行")
    if isinstance(node, exp.Func):
        _judge_function(node)


def _judge_function(node: Any) -> None:
    anonymous = isinstance(node, exp.Anonymous)
    name = str(node.name if anonymous else node.sql_name()).lower()
    if _FORBIDDEN.match(name):
        raise StatementRefused(f"不能用函数 {name}")
    if anonymous and (name not in _PLAIN or isinstance(node.parent, exp.Dot)):
        raise StatementRefused(f"函数 {name} 不在可用的函数之中，不执行")
