"""Where the guides that come with the product are kept."""

from xingwei.base.runtime.config import REPO

SHIPPED = REPO / "guides"
