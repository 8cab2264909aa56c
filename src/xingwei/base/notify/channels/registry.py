"""Which transport carries a delivery."""

from __future__ import annotations

from ..models import Outbox, Robot
from .base import Transport, Unsendable
from .dingtalk.transport import DingtalkRobot
from .feishu.transport import FeishuRobot
from .gateway.transport import HttpGateway
from .mail.transport import Mail
from .wecom.transport import WecomApplication, WecomRobot

ROBOTS: dict[str, type[WecomRobot] | type[DingtalkRobot] | type[FeishuRobot]] = {
    "wecom": WecomRobot,
    "dingtalk": DingtalkRobot,
    "feishu": FeishuRobot,
}


def of_robot(robot: Robot) -> Transport:
    return ROBOTS[robot.channel].of(robot)


def of_delivery(row: Outbox) -> Transport:
    """The transport of a delivery; raises Unsendable where its channel is not, or no longer, set up."""
    if row.lane.startswith(f"{row.channel}:robot:"):
        if row.robot is None:
            raise Unsendable("群机器人已删除。")
        if not row.robot.on:
            raise Unsendable("群机器人已停用。")
        return of_robot(row.robot)
    if row.channel == Outbox.Channel.MAIL:
        return Mail.configured()
    if row.channel == Outbox.Channel.WECOM:
        return WecomApplication.configured()
    return HttpGateway.configured(row.channel, row.attempts)
