"""How the centre says no: in the envelope (business) or before it (the service gateway in front)."""

from __future__ import annotations


class Refused(Exception):
    """A business refusal: `infcode` -1 and a text, as the real platform gives (it has no numbered errors)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text[:200]


class GatewayRefused(Exception):
    """The service gateway's refusal (table 6 of the specification): another body and no envelope."""

    def __init__(self, message: str, code: int = 401) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


NO_HEADERS = "缺少服务网关的请求头!"
STALE = "签名时间戳超时!"
UNKNOWN_USER = "非法用户!"
BAD_SIGNATURE = "签名不一致!"
NOT_SIGNED_IN = "FSI-签到信息校验失败：操作员未签到或签到已失效，请先签到"
UNKNOWN_INFNO = "FSI-FSI-交易报文不正确：未知交易编号！,异常流水号:{serial}"
NO_PERSON = (
    "MBS-cn.hsa.ais.common.exception.HygeiaException: 请求失败,错误原因：本地查询错误:该参保人的基本信息为空null"
)
ALREADY_CANCELLED = (
    "FSI-调用业务基础子系统冲正失败:冲正的结算信息退费结算标志不为未退费，不能办理冲正交易"
    "[iptPsnSetlMgtBO_4412][outpatientSettleBO_40]"
)
