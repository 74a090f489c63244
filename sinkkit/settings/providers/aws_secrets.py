"""AWS Secrets Manager as a place of settings, by the package ``boto3``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import attrs

from sinkkit.errors import ConfigError
from sinkkit.optional import require
from sinkkit.settings.keys import Path
from sinkkit.settings.providers.provider import Provider
from sinkkit.settings.providers.toml_files import dig
from sinkkit.settings.values.texts import JsonText

PREFIX = "sinkkit"
"""What the names of secrets begin with if the settings say nothing else."""

POSSIBLE = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""What the name of a secret can be (AWS Secrets Manager API reference, CreateSecret, Name): any other name holds nothing."""

CONNECT_SECONDS = 5
READ_SECONDS = 10
"""How long one attempt may take; how many there are is for AWS_MAX_ATTEMPTS and AWS_RETRY_MODE to say, 5 by default."""

NOT_THERE = "ResourceNotFoundException"

CREDENTIALS = "see to the credentials of AWS in this process: AWS_ACCESS_KEY_ID and its like, AWS_PROFILE, or the role of the machine"
BUSY = "run again later; one secret named as the prefix, JSON with all settings, makes it one request a run"
NETWORK = "see whether this machine reaches AWS, and whether the region and AWS_ENDPOINT_URL are right"
REGION = "write the region behind the prefix, as in aws:PREFIX@eu-central-1, or set AWS_REGION"

HINTS = {
    "AccessDeniedException": "allow secretsmanager:GetSecretValue on the prefix itself and on all names below it, also those that do not exist",
    "DecryptionFailure": "allow kms:Decrypt on the key that encrypts the secret",
    "InvalidRequestException": "the secret may be scheduled for deletion: restore it, or delete it for good",
    **dict.fromkeys(("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"), BUSY),
    **dict.fromkeys(("InternalServiceError", "ServiceUnavailable"), BUSY),
    **dict.fromkeys(("ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"), CREDENTIALS),
    **dict.fromkeys(("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"), CREDENTIALS),
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "CredentialRetrievalError"), CREDENTIALS),
    **dict.fromkeys(("NoRegionError", "InvalidRegionError"), REGION),
}
"""What to do, by the code of an answer of AWS or by the name of an error of botocore."""


def from_argument(argument: str | None) -> SecretsManager:
    """The provider for ``PREFIX``, ``PREFIX@REGION`` or ``@REGION``; the region is what follows the last ``@``."""
    given = argument or ""
    prefix, at, region = given.rpartition("@") if "@" in given else (given, "", "")
    return SecretsManager(prefix.strip("/") or PREFIX, region if at and region else None)


@attrs.define(eq=False)
class SecretsManager:
    """Secrets whose names begin with a prefix. A setting ``destination.crm.api_key`` is looked for, in this order, in

    * the secret ``PREFIX``, if there is one: JSON that holds all settings, and no other secret is asked for;
    * the secrets ``PREFIX/destination`` and ``PREFIX/destination/crm``, JSON objects with what is below them;
    * the secret ``PREFIX/destination/crm/api_key``, whose text is the value, or a table if it is a JSON object and the setting is no text.

    Each secret is asked for once a run, those that do not exist too.

    Args:
        prefix: What the names begin with.
        region: The region; None: the one that boto3 finds.
    """  # noqa: D415 - the list ends the sentence

    prefix: str = PREFIX
    region: str | None = None
    _client: Any = attrs.field(default=None, init=False, repr=False)
    _texts: dict[str, str | None] = attrs.field(factory=dict, init=False, repr=False)
    for_secrets: ClassVar[bool] = True
    private: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The service and its region, for messages."""
        return f"AWS Secrets Manager ({self.region})" if self.region else "AWS Secrets Manager"

    @property
    def note(self) -> str:
        """That a name can also be a key in another secret."""
        return f" (or as a key in a JSON secret above it, up to {self.prefix})"

    def opened(self) -> Sequence[Provider]:
        """One that was asked for nothing yet."""
        return (SecretsManager(self.prefix, self.region),)

    def spell(self, path: Path) -> str:
        """The name of the secret that holds this setting alone."""
        return "/".join((self.prefix, *path))

    def get(self, path: Path) -> Any:
        """The value or table at *path*, None if no secret has it.

        Raises:
            ConfigError: If boto3 is missing, AWS cannot be asked or refuses, or a secret is binary or broken JSON.
        """
        whole = self.table(self.prefix)
        if whole is not None:
            return dig(whole, path)
        for cut in range(1, len(path)):
            table = self.table(self.spell(path[:cut]))
            value = None if table is None else dig(table, path[cut:])
            if value is not None:
                return value
        text = self.text(self.spell(path))
        table = None if text is None else as_object(text)
        return text if text is None or table is None else JsonText(table, text)

    def table(self, secret: str) -> dict[str, Any] | None:
        """The JSON object that *secret* is; None if it does not exist or is plain text.

        Raises:
            ConfigError: If it begins as a JSON object and is none; the message repeats nothing of it.
        """
        text = self.text(secret)
        if text is None or not text.lstrip().startswith("{"):
            return None
        found = as_object(text)
        if found is None:
            raise ConfigError(f"the secret {secret} in {self.name} is no JSON object, although it begins as one", hint="mend its JSON")
        return found

    def text(self, secret: str) -> str | None:
        """The text of *secret*, None if it does not exist; asked for once."""
        if secret not in self._texts:
            self._texts[secret] = self.fetched(secret) if POSSIBLE.fullmatch(secret) else None
        return self._texts[secret]

    def fetched(self, secret: str) -> str | None:
        """The text of *secret*, asked now.

        Raises:
            ConfigError: As for ``get``.
        """
        errors = require("botocore.exceptions", extra="aws", wanted_by=f"the settings provider {self.name}")
        try:
            answer = self.client().get_secret_value(SecretId=secret)
        except errors.ClientError as error:
            told = error.response.get("Error", {})
            if told.get("Code") == NOT_THERE:
                return None
            code, said = str(told.get("Code", "")), str(told.get("Message", ""))
        except errors.BotoCoreError as error:
            code, said = type(error).__name__, ""
        else:
            if "SecretString" not in answer:
                raise ConfigError(f"the secret {secret} in {self.name} is binary", hint="store it as text: SecretString, not SecretBinary")
            return str(answer["SecretString"])
        # Not chained, and of what AWS says only the refusal: that of a wrong signature repeats the session token.
        detail = f": {said}" if code == "AccessDeniedException" and said else ""
        raise ConfigError(f"the secret {secret} cannot be read from {self.name}: {code}{detail}", hint=HINTS.get(code, NETWORK))

    def client(self) -> Any:
        """The client of this run; what is not stated is found as boto3 finds it, ``AWS_ENDPOINT_URL`` included."""
        if self._client is None:
            wanted_by = f"the settings provider {self.name}"
            boto3 = require("boto3", extra="aws", wanted_by=wanted_by)
            settings = require("botocore.config", extra="aws", wanted_by=wanted_by)
            patience = settings.Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
            self._client = boto3.session.Session(region_name=self.region).client("secretsmanager", config=patience)
        return self._client


def as_object(text: str) -> dict[str, Any] | None:
    """The JSON object that *text* is, or None."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None  # plain text that begins with a brace, as a password may
    return found if isinstance(found, dict) else None
