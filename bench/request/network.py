"""Whether a model hub can be asked: where it cannot, its client is told so, instead of trying for half a minute."""

import os
import socket
from functools import cache
from urllib.parse import urlsplit

OFFLINE = "HF_HUB_OFFLINE"


@cache
def offline_if_unreachable() -> None:
    """Put the hub's client into its offline mode if its host has no address here; before that client is imported."""
    host = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co")).hostname
    if OFFLINE in os.environ or host is None:
        return
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        os.environ[OFFLINE] = "1"
