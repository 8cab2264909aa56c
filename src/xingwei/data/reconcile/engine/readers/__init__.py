"""Statement files as they come: CSV, TXT, Excel, Parquet, the TXT and ZIP of 3202, bills of WeChat, Alipay and POS."""

from .look import Look, look
from .stage import Staged, stage

__all__ = ["Look", "Staged", "look", "stage"]
