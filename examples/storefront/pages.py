"""Finding the shop, looking around in it, and the cart."""

from flask import abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from examples.storefront import bank, cart, told
from examples.storefront.backend import NotConnected, Unavailable
from examples.storefront.blueprint import Answer, backend, external_key, not_connected, shop
from examples.storefront.catalogue import COUPONS, FREE_SHIPPING_FROM_CENTS, MOST_OF_ONE, PRODUCTS, Product
from examples.storefront.language import text as _
from examples.storefront.memory import memory

LONGEST_EXTERNAL_KEY = 255
LONGEST_API_KEY = 200


# --- whose shop ------------------------------------------------------------------------------------------------------


@shop.get("")
def find() -> Response | str:
    """Leads to the shop of the newest installation or of this browser's last visit, or says how to get one."""
    try:
        newest = bank.newest_merchant()
    except bank.Away:
        newest = None
    if merchant := newest or session.get("shop"):
        return redirect(url_for(".products", external_key=merchant))
    return render_template("nobody.html", problem="")


@shop.post("")
def choose() -> Response | Answer:
    """Leads to the shop of this external_key."""
    key = request.form.get("external_key", "").strip()
    if not 0 < len(key) <= LONGEST_EXTERNAL_KEY or "/" in key or key in (".", ".."):
        return render_template("nobody.html", problem=_("This can't be an external_key.")), 422
    return redirect(url_for(".products", external_key=key), 303)


@shop.post("/<external_key>/api-key")
def connect() -> Response | Answer:
    """Takes the API key that the shop's server uses from now on; it is never shown."""
    key = request.form.get("api_key", "").strip()
    if not (0 < len(key) <= LONGEST_API_KEY and key.isascii() and key.isprintable()):
        return not_connected(NotConnected("", "key"), _("This can't be an API key."))
    memory().type_api_key(external_key(), key)
    return redirect(url_for(".products"), 303)


# --- looking around --------------------------------------------------------------------------------------------------


@shop.get("/<external_key>")
def products() -> str:
    """Shows all that is for sale. A shop that its developer has to set up first says so here already."""
    try:
        backend().check()
    except Unavailable:
        reachable = False
    else:
        reachable = True
        told.listen()
        if session.get("shop") != external_key():
            session["shop"] = external_key()
    return render_template(
        "products.html", products=PRODUCTS.values(), reachable=reachable, free_from=FREE_SHIPPING_FROM_CENTS
    )


@shop.get("/<external_key>/products/<sku>")
def product(sku: str) -> str:
    """Shows one product."""
    return render_template("product.html", product=_product(sku), most=MOST_OF_ONE)


def _product(sku: str) -> Product:
    return PRODUCTS.get(sku) or abort(404)


# --- the cart --------------------------------------------------------------------------------------------------------


@shop.get("/<external_key>/cart", endpoint="cart")
def show_cart() -> str:
    """Shows what is in the cart."""
    return render_template("cart.html", cart=cart.current(), most=MOST_OF_ONE, coupons=COUPONS)


@shop.post("/<external_key>/cart/<sku>")
def change_cart(sku: str) -> Response:
    """`add` so many, or have `quantity` of them from now on; 0 takes the product out."""
    chosen = _product(sku)
    if "add" in request.form:
        cart.put(chosen, cart.quantity_of(chosen) + _quantity("add"))
    else:
        cart.put(chosen, _quantity("quantity"))
    return redirect(url_for(".cart"), 303)


def _quantity(name: str) -> int:
    text = request.form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_OF_ONE))):
        abort(422)
    return int(text)


@shop.post("/<external_key>/coupon")
def use_coupon() -> Response:
    """Takes a coupon; an empty code takes it away again."""
    if not cart.use_coupon(request.form.get("coupon", "")):
        flash(_("There is no such coupon."), "bad")
    return redirect(url_for(".cart"), 303)
