"""How the simulator posts to the app: webhooks and health checks alike."""

from typing import Any

import requests

TIMEOUT_SECONDS = 5
MOST_TEXT = 500  # characters kept of an answer


def post_json(url: str, body: dict[str, Any]) -> tuple[int | None, str]:
    """(status, text); (None, the failure's name) if no answer came. A redirect is an answer like any other."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no ~/.netrc of this machine
            answer = session.post(
                url,
                json=body,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                headers={"User-Agent": "Appmax-Simulator", "Accept": "*/*"},
            )
            return answer.status_code, answer.text[:MOST_TEXT]
    except requests.RequestException as error:
        return None, type(error).__name__
