"""Send the contacts of the demo to its API."""

import httpx

import sinkkit
from sinkkit.cli.demo.contacts import contacts


@sinkkit.destination(batch_size=25, workers=4, idempotency_header="Idempotency-Key")
def crm(items: list[dict[str, object]], http: httpx.Client) -> None:
    """Send one batch of contacts."""
    http.post("/contacts/batch", json=items).raise_for_status()


if __name__ == "__main__":
    pipeline = sinkkit.pipeline("demo", destination=crm, progress="off")
    print(pipeline.run(contacts(), table_name="contacts", run_id="first import"))
