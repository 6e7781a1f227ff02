"""The code with which the API answers each error of the endpoints."""

from installations.errors import ERROR_CODES as OF_INSTALLATIONS
from notifications import endpoints
from web.codes import Code
from web.errors import ErrorCodes

ERROR_CODES: ErrorCodes = {
    **OF_INSTALLATIONS,
    endpoints.EndpointNotFound: Code.ENDPOINT_NOT_FOUND,
    endpoints.DeliveryNotFound: Code.DELIVERY_NOT_FOUND,
    endpoints.TooManyEndpoints: Code.TOO_MANY_ENDPOINTS,
}
