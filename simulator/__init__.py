"""A stand-in for Appmax: auth server, API and admin panel on one origin, with webhooks that it really posts.

Reached over HTTP only. Its state is in memory; a merchant's credentials are derived, so they outlive a restart.

Each call answers what Appmax's documentation shows; what was seen beside it is a switch (`switches.py`) or a failure
(`failures.py`). The documentation is at https://appmax.readme.io/reference/ and was read page by page in August 2026;
its examples of requests, answers and errors are quoted as they stood on 2026-03-13. The pages:

    POST /oauth2/token, /app/authorize    instalacao-do-aplicativo, faq
    POST /app/client/generate             criar-credenciais-do-merchant (with the health check)
    POST /v1/customers                    criar-ou-atualizar-cliente-na-appmax
    POST /v1/orders                       criar-um-um-pedido-na-appmax, cálculo-do-valor-total-da-order
    GET  /v1/orders/{id}                  consultar-dados-de-um-pedido, status-de-pedidos
    POST /v1/payments/credit-card         appmax-pagamento-cartao-de-credito, simulador-de-cartão-de-crédito
    POST /v1/payments/google-pay          docs.appmax.com.br/api-reference/payments/google-pay
    POST /v1/payments/apple-pay           docs.appmax.com.br/api-reference/payments/apple-pay
    appmax.min.js (scripts.py)            docs.appmax.com.br/guides/appmax-js, tokenizacao-com-appmax-js
    POST /v1/payments/installments        421cálculo-de-parcelas
    POST /v1/payments/tokenize            tokenizacao-do-cartao-de-credito
    POST /v1/payments/pix                 appmax-pagamento-pix
    POST /v1/payments/boleto              appmax-pagamento-boleto
    payment_data.subscription             como-criar-recorrencia-na-appmax
    POST /v1/orders/refund-request        estorno-na-appmax
    POST /v1/orders/shipping-tracking-code  cadastrar-codigo-de-rastreio-na-appmax
    POST /v1/orders/upsell                criar-um-upsell-na-appmax
    webhooks                              webhooks

Subscriptions and payment links are at https://docs.appmax.com.br/api-reference/, whose examples were read in November
2026:

    POST /v1/subscriptions                subscriptions/criar-assinatura
    GET  /v1/subscriptions, /{id}         subscriptions/listar-assinaturas, consultar-assinatura
    PATCH /v1/subscriptions/{id}/...      subscriptions/pausar-assinatura, reativar-assinatura, cancelar-assinatura
    POST /v1/payment-link                 payment-links/criar-link-pagamento
    webhooks about subscriptions          ../guides/webhooks

Not on these pages, and taken from Appmax's example backend (github.com/appmaxbrasil/appstore-backend-example,
docs/appmax/api-reference.md, 2026-03) or from payloads seen: the answers of the payment calls, an upsell's order, when
a Pix ends, a boleto's last day. No page says what a wrong Apple Pay token is answered, nor what `GET /v1/orders/{id}`
calls a wallet's payment, which is called a card's here; nor what a subscription's charge that was declined is called,
and whether it makes an order, which it doesn't here. Harsher than Appmax on purpose: a card is charged as often as it
is asked for, although the documentation says that a paid order is answered 400, so that a product that charges twice is
found out.
"""
