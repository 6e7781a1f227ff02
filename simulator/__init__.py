"""A stand-in for Appmax: auth server, API and admin panel on one origin, with webhooks that it really posts.

Reached over HTTP only. Its state is in memory; a merchant's credentials are derived, so they outlive a restart.
"""
