"""A small shop that sells through the product, to be read and copied by whoever writes a storefront.

It knows the product by its public routes alone (docs/api.md) and imports nothing of it. A storefront needs four things:

    backend.py   asks the product, and says of each failure what the shop may do next
    buying.py    makes the order, then pays it: once, however often the shopper presses the button
    orders.py    shows an order: its status, its Pix or boleto, the offer after a card
    statuses.py  says Appmax's statuses in a shopper's words

The rest is an ordinary web shop. Run it with

    STOREFRONT_APP_URL=http://127.0.0.1:8080 STOREFRONT_API_KEY=... flask --app examples.storefront.app run --port 9091

in one process, because it remembers in memory what a real shop keeps in its database.
"""
