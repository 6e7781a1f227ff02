"""The bodies of made-up webhooks, and who and what is in them."""

import functools
import unicodedata
from binascii import crc_hqx
from typing import Any

from django.conf import settings

from demo.sales import Sale
from demo.stories import pascal
from orders.status import OrderStatus
from webhooks import payload

FIRST_NAMES = (
    "Ana", "João", "Maria", "José", "Camila", "Antônio", "Juliana", "Luís", "Fernanda", "Pedro", "Patrícia",
    "Lucas", "Aline", "Mateus", "Beatriz", "Rafael", "Letícia", "Bruno", "Larissa", "Gustavo", "Renata", "Thiago",
    "Débora",
)  # fmt: skip
LAST_NAMES = (
    "Silva", "Santos", "Oliveira", "Souza", "Lima", "Pereira", "Ferreira", "Costa", "Rodrigues", "Almeida",
    "Nascimento", "Araújo", "Ribeiro", "Carvalho", "Gonçalves", "Barbosa", "Rocha", "Dias", "Moreira",
)  # fmt: skip
STREETS = ("Rua das Flores", "Avenida Brasil", "Rua Sete de Setembro", "Rua da Praia", "Travessa do Comércio")
CITIES = (
    ("São Paulo", "SP", "11", "01310"), ("Rio de Janeiro", "RJ", "21", "20040"),
    ("Belo Horizonte", "MG", "31", "30130"),
    ("Porto Alegre", "RS", "51", "90010"), ("Curitiba", "PR", "41", "80020"), ("Recife", "PE", "81", "50030"),
    ("Salvador", "BA", "71", "40020"),
)  # fmt: skip


def body_of(sale: Sale, name: str) -> dict[str, Any]:
    """A webhook's body: of a snake name in the app-store model, in cents; of a Pascal name in the standard one, in
    reais."""
    status = (payload.status_of(name) or OrderStatus.PENDENTE).value
    payment_type = sale.story.method and pascal(sale.story.method)
    if not name.islower():
        data = {
            "id": sale.appmax_order_id,
            "customer_id": sale.customer_id,
            "status": status,
            "total": f"{sale.total_cents / 100:.2f}",
            "payment_type": payment_type,
            "customer": sale.customer,
        }
        return {"event": name, "data": data}
    kind = name.partition("_")[0]
    return {
        "event": name,
        "event_type": kind if kind in ("customer", "payment") else "order",
        "site_id": sale.merchant.pk,
        "app_id": app_id(),
        "client_key": sale.merchant.external_key,
        "external_key": sale.merchant.external_key,
        "partner_merchant": None,
        "data": {
            "order_id": sale.appmax_order_id,
            "customer_id": sale.customer_id,
            "order_status": status,
            "order_total": sale.total_cents,
            "payment_type": payment_type,
            "customer": sale.customer,
        },
    }


def customer_of(customer_id: int) -> dict[str, Any]:
    """Somebody who doesn't exist, always the same of this id. Nobody has this mail or this phone."""
    first = FIRST_NAMES[customer_id % len(FIRST_NAMES)]
    last = LAST_NAMES[customer_id // 23 % len(LAST_NAMES)]
    city, state, area, postcode = CITIES[customer_id // 5 % len(CITIES)]
    return {
        "firstname": first,
        "lastname": last,
        "email": f"{_ascii(first)}.{_ascii(last)}{customer_id % 10_000}@example.com",
        "telephone": f"{area}90000{customer_id % 10_000:04}",
        "document_number": f"{customer_id * 123_457_891 % 10**9:09}00",
        "address_street": STREETS[customer_id // 3 % len(STREETS)],
        "address_street_number": str(customer_id % 1990 + 1),
        "address_city": city,
        "address_state": state,
        "postcode": f"{postcode}{customer_id % 1000:03}",
    }


@functools.cache
def _ascii(name: str) -> str:
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()


def br_code(order_id: int, total_cents: int, shop: str) -> str:
    """A Pix's copy-and-paste text, an EMV code with its checksum; nobody's key, so no bank would pay it."""
    account = _emv("00", "br.gov.bcb.pix") + _emv("25", f"pix.example/{order_id}")
    text = (
        f"{_emv('00', '01')}{_emv('01', '12')}{_emv('26', account)}{_emv('52', '0000')}{_emv('53', '986')}"
        f"{_emv('54', f'{total_cents / 100:.2f}')}{_emv('58', 'BR')}{_emv('59', shop.upper()[:25])}"
        f"{_emv('60', 'SAO PAULO')}{_emv('62', _emv('05', str(order_id)))}6304"
    )
    return f"{text}{crc_hqx(text.encode(), 0xFFFF):04X}"


def _emv(name: str, value: str) -> str:
    return f"{name}{len(value):02}{value}"


def app_id() -> str:
    return settings.APPMAX_APP_ID_NUMERIC or "4242"
