"""Every read of the gateway that is more than a line."""

from .board import Board, Row, board, channels
from .counts import counts

__all__ = ["Board", "Row", "board", "channels", "counts"]
