from __future__ import annotations

from ..forms import RobotForm
from .transport import PER_MINUTE, USUAL_PER_MINUTE


class DingtalkRobotForm(RobotForm):
    needs = "access_token="
    example = "https://oapi.dingtalk.com/robot/send?access_token=…"
    signed = True
    most_per_minute = PER_MINUTE
    usual_per_minute = USUAL_PER_MINUTE
