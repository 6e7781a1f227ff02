"""What the shop sells, for how much, and a customer to try it with. All amounts in cents."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

SHIPPING_CENTS = 1990
FREE_SHIPPING_FROM_CENTS = 30000
COUPONS = {"BEMVINDO10": 10}  # percent off the products
MOST_OF_ONE = 10


@dataclass(frozen=True)
class Product:
    """`picture`: the name of its drawing in templates/_pictures.html."""

    sku: str
    name: LazyString
    about: LazyString
    cents: int
    picture: str


PRODUCTS = {
    product.sku: product
    for product in (
        Product(
            "CAF-250",
            _("Mantiqueira coffee, 250 g"),
            _("Single origin, medium roast, notes of chocolate and red fruit. Whole beans."),
            3990,
            "coffee",
        ),
        Product(
            "CAN-300",
            _("Stoneware mug, 300 ml"),
            _("Thrown by hand in Cunha, glazed in sea blue. No two are alike."),
            6450,
            "mug",
        ),
        Product(
            "COA-V60",
            _("Ceramic dripper"),
            _("Brews one or two cups, slowly. Fits paper filters of size 02."),
            11900,
            "dripper",
        ),
        Product(
            "CHA-900",
            _("Gooseneck kettle, 900 ml"),
            _("Stainless steel with a wooden handle; pours where you want it."),
            24990,
            "kettle",
        ),
        Product(
            "MOE-20G",
            _("Hand grinder"),
            _("Steel burrs and 24 settings, from espresso to French press."),
            32900,
            "grinder",
        ),
        Product(
            "KIT-INI",
            _("Starter kit"),
            _("Dripper, mug, filters and two coffees, in a box ready to be given."),
            112900,
            "kit",
        ),
    )
}

OFFER = Product(
    "FIL-100",
    _("100 paper filters, size 02"),
    _("For your dripper, at a price for this order only."),
    1490,
    "filters",
)
OFFER_USUALLY_CENTS = 2490

# Made up; the CPF is the one that documentation everywhere uses.
CUSTOMER = {
    "first_name": "Ana",
    "last_name": "Souza",
    "email": "ana.souza@example.com",
    "phone": "(11) 98765-4321",
    "document_number": "529.982.247-25",
    "postcode": "01310-100",
    "street": "Avenida Paulista",
    "number": "1000",
    "complement": "apto 42",
    "district": "Bela Vista",
    "city": "São Paulo",
    "state": "SP",
}

CARD_WORDS = {
    "4000000000000010": _("approved"),
    "4000000000000028": _("not authorised"),
    "4000000000000002": _("refused by the issuer"),
    "4000000000000036": _("transaction error"),
    "4000000000009999": _("gateway down: the outcome is unknown at first"),
    "4000000000000044": _("authorised, not captured"),
    "4000000000000051": _("refused by risk analysis"),
}
