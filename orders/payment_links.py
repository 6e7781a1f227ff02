"""Payment links: pages of Appmax's on which whoever has the address can pay. The orders that come of one are adopted
when webhooks tell of them."""

from appmax.errors import OutcomeUnknown
from appmax.messages import PaymentLink
from installations import clients
from installations.models import Installation
from orders.idempotency import Claim


def create(installation: Installation, link: PaymentLink, claim: Claim) -> str:
    """The new page's address. Raises AppmaxError, which is OutcomeUnknown also for a request whose first try was cut
    off: a second link could be paid beside the first."""
    if claim.was_cut_off:
        raise OutcomeUnknown("an earlier try of this payment link was cut off")
    return clients.client_for(installation).create_payment_link(link)
