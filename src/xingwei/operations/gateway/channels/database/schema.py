"""What can be set of a database. Statements are data; :name stands for a value, never for text of the statement."""

from __future__ import annotations

from .. import schema as s

_SQL = {"type": "string", "maxLength": 10_000, "format": "sql"}
SCHEMA = s.settings(
    ["driver", "host", "database", "user"],
    driver={"enum": ["postgresql", "mysql", "oracle", "sqlserver"], "title": "数据库"},
    host=s.text("地址", maxLength=255),
    port=s.PORT,
    database=s.text("库名", "Oracle 填服务名", maxLength=100),
    user=s.text("用户名", "只给所需的表和视图的权限", maxLength=100),
    password=s.secret("口令"),
    connect_s=s.number("连接时限（秒）", 0.5, 60, 5),
    statement_s=s.number("语句时限（秒）", 0.5, 600, 30),
    query={
        **_SQL,
        "title": "取数语句",
        "description": "SELECT … WHERE 列 >= :after ORDER BY 列；或按状态列取未处理的行",
    },
    watermark=s.text("水位列", "随新行增大的列（流水号、时间）；与“取后语句”二选一", maxLength=100),
    watermark_type=s.choice("水位类型", ["integer", "timestamp", "text"], "integer"),
    start=s.text("从哪里开始", "第一次取数时 :after 的值，如 0 或 2026-11-25T00:00:00", maxLength=60),
    mark={**_SQL, "title": "取后语句", "description": "每行入库后执行，如 UPDATE 表 SET 状态 = 1 WHERE 流水号 = :id"},
    identity={
        "type": "array",
        "title": "唯一列",
        "description": "合起来唯一标识一行，重复取到时据此识别",
        "items": {"type": "string", "maxLength": 100},
        "minItems": 1,
        "maxItems": 10,
    },
    patient=s.text("患者号列", maxLength=100),
    key=s.text("顺序键列", maxLength=100),
    type=s.text("消息类型", maxLength=40),
    batch=s.whole("每次几行", 1, 10_000, 200),
    poll_s=s.number("多久取一次（秒）", 0.1, 86_400, 5),
    insert={**_SQL, "title": "写入语句", "description": "INSERT INTO 中间表 (…) VALUES (:no, …)"},
    exists={
        **_SQL,
        "title": "查重语句",
        "description": "写入前执行，有行返回即已写过，如 SELECT 1 FROM 表 WHERE msg_id = :control_id",
    },
    lookup={
        **_SQL,
        "title": "查询语句",
        "description": "供路由规则 lookup 用，如 SELECT pid, name FROM 标本 WHERE 条码 = :value；取第一行",
    },
    **s.LOOKUP,
    fields={
        "type": "object",
        "title": "参数取自哪些字段",
        "description": "语句里的 :名 → 报文里的字段路径；另有 :control_id、:number、:type、:key、:raw",
        "additionalProperties": {"type": "string", "maxLength": 200},
        "maxProperties": 200,
    },
    each=s.text("每一处写一行", "如 OBX[*]、items[*]：一条报文写多行，字段里的 [*] 指同一处", maxLength=100),
    form=s.choice("报文格式", ["json", "hl7", "astm", "xml", "bytes"], "json", "送出的报文是什么"),
    charset=s.CHARSET,
)
SCHEMA["anyOf"] = [{"required": ["query", "identity"]}, {"required": ["insert"]}, {"required": ["lookup"]}]
