"""Shows shoppers: hints to all staff, and the whole to those who may see personal data."""

from django.http import HttpRequest
from django.utils.html import format_html

from installations.fields import DecryptionFailed
from orders.models import Order, Shopper


def listed(order: Order) -> str:
    """For a list of orders `with_shopper`: the name, and a hint at the e-mail below it. Appmax's number of the customer
    if nothing is kept of the shopper."""
    if not (order.shopper_name or order.shopper_email):
        return f"#{order.appmax_customer_id}"
    return format_html(
        '<span class="block">{}</span><span class="block text-xs">{}</span>',
        order.shopper_name or f"#{order.appmax_customer_id}",
        order.shopper_email or "",
    )


def of(request: HttpRequest, order: Order) -> tuple[str, str, str]:
    """For an order's page: the name, the e-mail and the document. The last two are hints, unless the user may see
    personal data. All are "" if nothing is kept of the shopper."""
    found = Shopper.objects.filter(installation=order.installation_id, appmax_customer_id=order.appmax_customer_id)
    if request.user.has_perm("webhooks.view_personal_data"):
        try:
            whole = found.first()
            return (whole.name, whole.email or "", whole.document or "") if whole else ("", "", "")
        except DecryptionFailed:  # A key of FIELD_ENCRYPTION_KEYS was removed too early, so the hints must do.
            pass
    hinted = found.defer("email", "document").first()
    return (hinted.name, hinted.email_shown, hinted.document_shown) if hinted else ("", "", "")
