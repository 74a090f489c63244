"""A destination is held to the contract: a class of tests that says what is broken, and what is likely wrong.

This one forgets to look at the status of the answer. Three of the fifteen promises are tried here; pytest would try them all.

It prints::

    ..F...
    ...TestCareless.test_errors_are_not_swallowed...
    the API answered 500 to every request, and the run reported 5 rows delivered: they are lost without a word
      likely: the function swallows the error: call response.raise_for_status(), and let what the client raises pass
    ...1 failed, 2 passed, 12 deselected in ...
"""

import subprocess
import sys

import httpx

import sinkkit
from sinkkit.testing import DestinationContract


@sinkkit.destination(batch_size=10, idempotency_header="Idempotency-Key")
def careless(items: list[dict], http: httpx.Client) -> None:
    http.post("/contacts", json=items)


class TestCareless(DestinationContract):
    """Each promise is a test of this class."""

    def destination(self, api: object) -> sinkkit.Destination:  # noqa: ARG002  # the client that is injected finds the API by itself
        """The destination under test."""
        return careless()


if __name__ == "__main__":
    few = ["-k", "swallowed or full_call or one_row"]
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-rN", "-p", "no:cacheprovider", *few, __file__], check=False)
