"""The same session on Spark, for a region's many hospitals: the same questions over the same files, unchanged.

    lake = session_spark.over(spark, {"settlement": [paths of Parquet files]})
    lake.sql("SELECT insutype, sum(fund_pay_sumamt) AS fund FROM settlement GROUP BY insutype")

Who has a cluster brings the SparkSession; pyspark is no dependency of the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .engine import compile
from .engine.datasets import ZONE, datasets

_TYPES = {
    "VARCHAR": "STRING",
    "BIGINT": "BIGINT",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "DATE": "DATE",
    "BOOLEAN": "BOOLEAN",
}


class SparkLake:
    """Datasets as views of one Spark session."""

    def __init__(self, spark: Any, paths: Mapping[str, Iterable[Path | str]]) -> None:
        self.spark = spark
        spark.conf.set("spark.sql.session.timeZone", ZONE)
        for code, listed in paths.items():
            self._view(code, [str(p) for p in listed])

    def sql(self, text: str, params: Mapping[str, Any] | None = None) -> Any:
        """A Spark DataFrame with the answer. Raises compile.Misunderstood as the session on DuckDB does."""
        return self.spark.sql(compile.write(compile.read(text), "spark"), args=dict(params or {}))

    def _view(self, code: str, paths: list[str]) -> None:
        columns = datasets()[code].columns
        schema = ", ".join(f"`{n}` {_TYPES.get(t, t)}" for n, t in columns.items())
        frame = self.spark.read.schema(schema).parquet(*paths) if paths else self.spark.createDataFrame([], schema)
        frame.createOrReplaceTempView(code)


def over(spark: Any, paths: Mapping[str, Iterable[Path | str]]) -> SparkLake:
    """paths: dataset → its Parquet files, of as many hospitals as there are. Raises KeyError for an unknown dataset."""
    return SparkLake(spark, paths)
