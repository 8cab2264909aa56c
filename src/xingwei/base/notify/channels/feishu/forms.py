from __future__ import annotations

from ..forms import RobotForm
from .transport import PER_MINUTE, USUAL_PER_MINUTE


class FeishuRobotForm(RobotForm):
    needs = "/hook/"
    example = "https://open.feishu.cn/open-apis/bot/v2/hook/…"
    signed = True
    most_per_minute = PER_MINUTE
    usual_per_minute = USUAL_PER_MINUTE
