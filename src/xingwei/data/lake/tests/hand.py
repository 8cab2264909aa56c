"""Parts made by hand, for tests that need files but no hospital."""

import hashlib

import pyarrow as pa
from django.utils import timezone

from xingwei.base.connections.models import Connection
from xingwei.data.lake import files, models
from xingwei.data.lake.engine.datasets import datasets
from xingwei.data.lake.session import engine


def mapping_of(dataset, code=None, connection=None, **values):
    connection = (
        connection or Connection.objects.get_or_create(code="hand", defaults={"kind": "sqlite", "name": "手工"})[0]
    )
    return models.Mapping.objects.get_or_create(
        code=code or f"{dataset}.hand",
        defaults={"dataset": dataset, "title": "手工", "connection": connection, "document": {}, **values},
    )[0]


def put_part(dataset, day, rows, mapping=None):
    """Commit a file with these rows; what a row does not say is empty."""
    mapping = mapping or mapping_of(dataset)
    known = datasets()[dataset]
    folder = files.root() / files.folder(dataset, day)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{mapping.code}-hand.parquet"
    with engine(memory_mb=256, threads=1) as db:
        given = sorted({name for row in rows for name in row})
        db.register("given", pa.table({n: [row.get(n) for row in rows] for n in given}))
        chosen = ", ".join(
            f'CAST({f"given.{n}" if n in given else "NULL"} AS {t}) AS "{n}"' for n, t in known.columns.items()
        )
        db.execute(f"COPY (SELECT {chosen} FROM given) TO '{path}' (FORMAT parquet)")
    content, now = path.read_bytes(), timezone.now()
    return models.Part.objects.update_or_create(
        mapping=mapping,
        day=day,
        defaults={
            "dataset": dataset, "path": str(path.relative_to(files.root())), "rows": len(rows), "bytes": len(content),
            "digest": hashlib.sha256(content).hexdigest(), "mapping_version": 1, "written_at": now, "checked_at": now,
        },
    )[0]  # fmt: skip
