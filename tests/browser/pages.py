"""Every page of the back office, with rows to show: whatever is registered is found, so a new list is looked at too."""

import uuid

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.alerts.models import Alert, AlertRule
from backoffice.models import Export, Note, SavedView
from installations.models import Installation
from orders.models import Order, PaymentAttempt
from tests.backoffice.conftest import make_job
from tests.support.factories import OrderFactory, QuestionFactory, WebhookEventFactory, api_key

FILTERED = "status__exact=aprovado&status__exact=integrado&created_at_from=today-6"
LONG_KEY = "uma-loja-com-um-nome-bem-comprido-de-verdade-01"


@transaction.atomic
def make_rows() -> Order:
    """One row of each of the main tables, some with long values; the order is returned."""
    order: Order = OrderFactory.create(
        status="aprovado", payment_method="pix", pix_emv="0002" * 60, installation__external_key=LONG_KEY
    )
    OrderFactory.create_batch(3, installation=order.installation)
    PaymentAttempt.objects.create(order=order, method="pix", fingerprint="")
    QuestionFactory.create(appmax_order_id=order.appmax_order_id, installation=order.installation)
    WebhookEventFactory.create(
        appmax_order_id=order.appmax_order_id,
        event="order_pending_integration",
    )
    Installation.objects.update(refused_since=order.created_at)
    api_key(order.installation)
    ana = User.objects.get(username="ana")
    Note.objects.create(order=order, text="Cliente ligou.", author=ana, once=uuid.uuid4())
    for name, query in (("Pagos", FILTERED), ("Da equipe", "payment_method__exact=pix")):
        SavedView.objects.create(
            list_name="orders.order", name=name, query=query, owner=ana, is_shared="equipe" in name
        )
    Export.objects.create(asked_by=ana, model="orders.order", form="csv", language="pt-br", file_name="x.csv", total=9)
    make_job(status="failed")
    rule = AlertRule.objects.create(
        kind="doubt", installation=order.installation, threshold=60, recipients=["ana@example.com"], chat_host="a.com"
    )
    columns = {"rule": rule, "kind": "doubt", "path": "/admin/", "text": f"{LONG_KEY}: há uma hora não se sabe."}
    columns |= {"state": "failed", "why_not_sent": "not_set_up"}
    Alert.objects.create(subject="order:1", recipient="ana@example.com", **columns)
    TOTPDevice.objects.create(user=ana, confirmed=False, name="app")
    return order


def every_page() -> list[str]:
    """The addresses: each list, each first row's page and its history, each form that adds, and those of an order."""
    order = make_rows()
    paths = [reverse(f"admin:{name}") for name in ("index", "password_change", "two_factor")]
    paths.append(f"{reverse('admin:search')}?q=loja")
    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths.append(reverse(f"{base}_changelist"))
        row = model._default_manager.first()
        if row is not None:
            paths.append(reverse(f"{base}_change", args=[row.pk]))
    lists = reverse("admin:orders_order_changelist")
    paths += [f"{lists}?{FILTERED}", f"{lists}?{FILTERED}&amount_from=x&q=3", Note.objects.get().url]
    paths.append(reverse("admin:orders_order_views_delete", args=[SavedView.objects.earliest("pk").pk]))
    paths += [reverse("admin:installations_apikey_add"), reverse("admin:auth_user_add")]
    rules = reverse("admin:backoffice_alertrule_add")
    paths += [rules, f"{rules}?kind=silence"]
    page = reverse("admin:orders_order_change", args=[order.pk])
    paths += [page.replace("/change/", f"/{each}/") for each in ("refund", "history")]
    return paths
