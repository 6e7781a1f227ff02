"""Appmax's answers, call by call, by the library `responses`, which takes the place of the connection."""

import responses

ADAPTER = "appmax.connection.BoundedAdapter.exchange"

mock = responses.RequestsMock(assert_all_requests_are_fired=False, target=ADAPTER)
