"""What may happen to an order, how often, and which events tell of it."""

import itertools
from dataclasses import dataclass

from orders.models import OPEN, AttemptState
from orders.status import OrderStatus, PaymentMethod
from webhooks import payload

DAY = 86_400.0  # seconds, as all times until they are written: since 1970

Step = tuple[str, float]  # an event, and the seconds that usually lie between it and the one before

CARD: tuple[Step, ...] = (("order_authorized", 4), ("order_approved", 90), ("order_paid", 5))
PIX_CODE: tuple[Step, ...] = (("order_pix_created", 2),)
PIX: tuple[Step, ...] = (*PIX_CODE, ("order_paid_by_pix", 240), ("order_approved", 3))
BILLET: tuple[Step, ...] = (("order_billet_created", 3),)
BOLETO: tuple[Step, ...] = (*BILLET, ("order_paid", 1.2 * DAY), ("order_approved", 20))
INTEGRATED: tuple[Step, ...] = (("order_pending_integration", 60), ("order_integrated", 900))
REFUND: tuple[Step, ...] = (("order_refund", 3 * DAY),)
CHARGEBACK: tuple[Step, ...] = (("order_chargeback_in_treatment", 18 * DAY),)
GAIN: tuple[Step, ...] = (("order_charge_back_gain", 15 * DAY),)


@dataclass(frozen=True)
class Story:
    """How an order goes. `ends`: what Appmax says when it is asked a day after the last event; no event means that.
    `is_forged`: Appmax doesn't confirm that there is money."""

    share: float  # of a thousand
    method: PaymentMethod | None
    steps: tuple[Step, ...] = ()
    ends: OrderStatus | None = None
    attempt: AttemptState = AttemptState.SUCCEEDED
    is_forged: bool = False


STORIES = (
    Story(255, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED)),
    Story(70, PaymentMethod.CREDIT_CARD, CARD),
    Story(8, PaymentMethod.CREDIT_CARD, (*CARD, INTEGRATED[0])),
    Story(3, PaymentMethod.CREDIT_CARD, (*CARD, INTEGRATED[0]), ends=OrderStatus.PENDENTE_INTEGRACAO_EM_ANALISE),
    Story(66, PaymentMethod.CREDIT_CARD, (("payment_not_authorized", 2),), attempt=AttemptState.DECLINED),
    Story(14, PaymentMethod.CREDIT_CARD, (CARD[0], ("order_refused_by_risk", 1800))),
    Story(2, PaymentMethod.CREDIT_CARD, CARD[:1]),
    Story(14, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *REFUND)),
    Story(5, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK)),
    Story(2, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK), ends=OrderStatus.CHARGEBACK_EM_DISPUTA),
    Story(2, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK), ends=OrderStatus.CHARGEBACK_PERDIDO),
    Story(2, PaymentMethod.CREDIT_CARD, (*CARD, *INTEGRATED, *CHARGEBACK, *GAIN)),
    Story(20, PaymentMethod.GOOGLE_PAY, (*CARD, *INTEGRATED)),
    Story(10, PaymentMethod.APPLE_PAY, (*CARD, *INTEGRATED)),
    Story(220, PaymentMethod.PIX, (*PIX, *INTEGRATED)),
    Story(35, PaymentMethod.PIX, PIX),
    Story(75, PaymentMethod.PIX, (*PIX_CODE, ("order_pix_expired", DAY))),
    Story(6, PaymentMethod.PIX, (*PIX, *INTEGRATED, *REFUND)),
    Story(2, PaymentMethod.PIX, PIX_CODE),
    Story(1, PaymentMethod.PIX, (*PIX_CODE, ("order_paid_by_pix", 240)), is_forged=True),
    Story(55, PaymentMethod.BOLETO, (*BOLETO, *INTEGRATED)),
    Story(10, PaymentMethod.BOLETO, BOLETO),
    Story(38, PaymentMethod.BOLETO, (*BILLET, ("order_billet_overdue", 3 * DAY))),
    Story(1, PaymentMethod.BOLETO, BILLET),
    Story(60, None, ends=OrderStatus.CANCELADO),
    Story(2, None),
)
SHARES = list(itertools.accumulate(story.share for story in STORIES))
OPEN_STORIES = [Story(0, PaymentMethod.CREDIT_CARD, attempt=state) for state in OPEN]

ASKED = ""  # in the place of an event's name: Appmax's answer
UNKNOWN_EVENT = "order_tracking_updated"  # the contract has none of this name
LATE = (1800, 7200, 14_400)  # seconds: when Appmax tries again


def pascal(name: str) -> str:
    """The standard model's spelling, of which an unknown event has none."""
    return payload.spellings(name)[0]


def snake(name: str) -> str:
    """The app store's spelling."""
    return payload.spellings(name)[-1]
