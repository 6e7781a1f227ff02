"""Reconnect links, without which the credentials of a confirmed installation can't be replaced (contract, 4.1).

Nobody proves who they are at /install/start or on the callback's route, and the person who presses Salvar in Appmax's
panel decides whose credentials come. So a confirmed merchant's credentials are replaced only by an installation that
was begun with a signed link. Staff make such links, and so does the merchant's own API key.

Whoever was the first to install an external_key may have been a stranger, who then holds API keys of it. So if the link
brings another Appmax account, these keys are revoked, unless who made the link says that they stay. A link of the
merchant's own API key leaves them, as its holder has shown that key.

A link is used up when the installation is done, and not when it is opened. Messengers open links to preview them, and a
merchant may go back or lose a page and open it again.
"""

from datetime import timedelta
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core import signing
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse

from installations.models import Installation, ReconnectLink

log = structlog.stdlib.get_logger(__name__)

GOOD_FOR = timedelta(hours=1)
_SALT = "installations.reconnect"


def make_link(installation: Installation, *, made_by: str, public_url: str, keeps_access: bool = False) -> str:
    """A URL for the merchant's browser. The merchant's history shows `made_by`. `public_url` is our own, without a
    trailing slash. `keeps_access` tells whether the shop's API keys and endpoints stay if another Appmax account
    comes."""
    link = ReconnectLink.objects.create(installation=installation, made_by=made_by, keeps_access=keeps_access)
    log.warning("install.reconnect_link_made", installation=installation.pk, link=link.pk, made_by=made_by)
    query = {
        "app_id": settings.APPMAX_APP_ID_UUID,
        "external_key": installation.external_key,
        "reconnect": signing.dumps(link.pk, salt=_SALT),
    }
    return f"{public_url}{reverse('install-start')}?{urlencode(query)}"


def opened(installation: Installation, token: str) -> ReconnectLink | None:
    """The link of this `reconnect=` token, noting that an installation has begun with it.

    None unless the token is signed by us and an hour old at most, and the link is this installation's and unused.
    """
    try:
        pk = signing.loads(token, salt=_SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        return None
    unused = ReconnectLink.objects.filter(pk=pk, installation=installation, used_at=None)
    return unused.first() if unused.update(begun_at=Now()) else None


def under_way(installation: Installation) -> ReconnectLink | None:
    """The newest link with which an installation was begun within the last hour and isn't done yet."""
    begun = installation.reconnect_links.filter(used_at=None, begun_at__gte=Now() - GOOD_FOR)
    return begun.order_by(F("begun_at").desc()).first()


def keeps_access(link_id: int) -> bool:
    """Whether this link leaves the shop's API keys as they are."""
    return ReconnectLink.objects.filter(pk=link_id, keeps_access=True).exists()


def use_up(link_id: int, *, replaced: bool) -> bool:
    """Note that the installation is done; False if the link was used before. Of two calls at once, one gets True.

    `replaced` tells whether Appmax gave other credentials than before.
    """
    unused = ReconnectLink.objects.filter(pk=link_id, used_at=None)
    return bool(unused.update(used_at=Now(), replaced=replaced))
