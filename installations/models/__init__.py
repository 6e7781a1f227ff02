"""The tables of merchants and their API keys."""

from installations.keys_in_use import KeyInUse
from installations.models.api_key import ApiKey
from installations.models.installation import (
    Domain,
    GenerateCall,
    Identity,
    Installation,
    ReconnectLink,
    Suspension,
)

__all__ = ["ApiKey", "Domain", "GenerateCall", "Identity", "Installation", "KeyInUse", "ReconnectLink", "Suspension"]
