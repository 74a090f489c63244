"""Settings come from files and the environment; secrets are masked wherever they might be seen.

It prints::

    2 rows to https://eu.example.com, key Secret(***)
    secrets → crm: 2 rows delivered in 0.01 s, 1 call
    the error: pipeline 'secrets' did not deliver everything (2 rows pending, 0 of unknown fate): ...key *** is not known
"""

import os
from pathlib import Path

import sinkkit
from sinkkit import Secret
from sinkkit.errors import DeliveryFailed

CONFIG = """
[destination.crm]
url = "https://us.example.com"
"""

SECRETS = """
[destination.crm]
api_key = "sesame-open-up"
"""


@sinkkit.destination(batch_size=10)
def crm(items: list[dict], api_key: Secret, url: str = sinkkit.config.value, careless: bool = False) -> None:
    if careless:
        raise sinkkit.Reject(f"key {api_key.reveal()} is not known")
    print(f"{len(items)} rows to {url}, key {api_key}")


if __name__ == "__main__":
    Path(".sinkkit").mkdir()
    Path(".sinkkit/config.toml").write_text(CONFIG, encoding="utf-8")
    Path(".sinkkit/secrets.toml").write_text(SECRETS, encoding="utf-8")
    Path(".sinkkit/secrets.toml").chmod(0o600)
    os.environ["DESTINATION__CRM__URL"] = "https://eu.example.com"  # the environment wins over files

    rows = [{"id": 1}, {"id": 2}]
    pipeline = sinkkit.pipeline("secrets", destination=crm)
    print(pipeline.run(rows, table_name="contacts"))
    try:
        pipeline.run(rows, table_name="contacts", destination=crm(careless=True))
    except DeliveryFailed as error:
        print("the error:", error.message)
