"""A hub that has no address is not asked for half a minute."""

import os
import subprocess
import sys

CODE = """import os
from bench.request.network import offline_if_unreachable
offline_if_unreachable()
print(os.environ.get('HF_HUB_OFFLINE'))"""


def answer(**environment: str) -> str:
    kept = {key: value for key, value in os.environ.items() if key not in ("HF_HUB_OFFLINE", "HF_ENDPOINT")}
    done = subprocess.run([sys.executable, "-c", CODE], env={**kept, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_host_without_an_address_is_offline():
    assert answer(HF_ENDPOINT="https://nowhere.invalid") == "1"


def test_a_host_with_an_address_is_asked():
    assert answer(HF_ENDPOINT="http://127.0.0.1:9") == "None"


def test_what_the_user_says_stays():
    assert answer(HF_ENDPOINT="https://nowhere.invalid", HF_HUB_OFFLINE="0") == "0"
