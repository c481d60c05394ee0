"""Checks of data: pydantic (versions 1 and 2), jsonschema and referencing, and tokens: PyJWT.

They run in our own process, so most say nothing about the health of any dependency.
"""

from __future__ import annotations

from typing import Any

from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of

_BAD_DATA = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_BAD_SCHEMA = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_UNRESOLVED = Otherwise(_BAD_SCHEMA)
_SCHEMA_MISSING = Otherwise(verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "ignore"))
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")

PYDANTIC: Table = table(
    {
        # Version 1 has its own class, in `pydantic` itself and later below `pydantic.v1`.
        "pydantic_core:ValidationError pydantic:ValidationError": _BAD_DATA,
        "pydantic_core:PydanticCustomError pydantic_core:PydanticKnownError": _BAD_DATA,
        "pydantic:PydanticValueError pydantic:PydanticTypeError": _BAD_DATA,
        "pydantic_core:PydanticSerializationError pydantic_core:PydanticSerializationUnexpectedValue": _BAD_DATA,
        "pydantic_core:SchemaError": _MISUSE,
        "pydantic_core:PydanticOmit pydantic_core:PydanticUseDefault": _MISUSE,
        "pydantic:PydanticUserError pydantic:PydanticUndefinedAnnotation pydantic:ConfigError": _MISUSE,
        "pydantic:InvalidSchemaError pydantic:MissingDefinitionForUnionRef": _MISUSE,
        "pydantic:SettingsError pydantic_settings:SettingsError": _BAD_SETUP,
    }
)

JSONSCHEMA: Table = table(
    {
        "jsonschema:ValidationError jsonschema:FormatError": _BAD_DATA,
        "jsonschema:SchemaError jsonschema:UnknownType jsonschema:UndefinedTypeCheck": _BAD_SCHEMA,
        # A schema elsewhere: its cause says whether it could not be fetched, or does not exist.
        "jsonschema:RefResolutionError jsonschema:_RefResolutionError": _UNRESOLVED,
        "referencing:NoSuchResource referencing:Unretrievable": _SCHEMA_MISSING,
        "referencing:PointerToNowhere referencing:NoSuchAnchor referencing:InvalidAnchor": _BAD_SCHEMA,
        "referencing:Unresolvable": _UNRESOLVED,
        "referencing:CannotDetermineSpecification referencing:NoInternalID referencing:UnknownDialect": _BAD_SCHEMA,
        "referencing:UnsupportedSubclassing": _MISUSE,
    }
)

# -- PyJWT ----------------------------------------------------------------------------------------------------

_BAD_TOKEN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "ignore")
_NO_SUCH_KEY = _BAD_TOKEN.because("no key with that id in the JWKS")
_JWKS_UNUSABLE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, reason="JWKS without usable keys")
_JWKS_SETUP = Otherwise(_BAD_SETUP.because("type jwt.PyJWKClientError"))


def _by_jwks_message(error: Any) -> Answer:
    """Judge a failure of `PyJWKClient`: only the message tells a token with a strange key from an odd endpoint."""
    words = text_of(error, 200)
    if "unable to find a signing key" in words:
        return _NO_SUCH_KEY
    return _JWKS_UNUSABLE if "did not" in words else _JWKS_SETUP


JWT: Table = table(
    {
        "jwt:ExpiredSignatureError": verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "ignore"),
        "jwt:InvalidTokenError": _BAD_TOKEN,
        "jwt:InvalidKeyError": _BAD_SETUP,
        "jwt:MissingCryptographyError": verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore"),
        "jwt:PyJWKClientConnectionError": Otherwise(verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")),
        "jwt:PyJWKClientError": _by_jwks_message,
        "jwt:PyJWKError jwt:PyJWKSetError": _JWKS_UNUSABLE,
        "jwt:PyJWTError": _BAD_TOKEN,
    }
)

FORMATS: Table = {**PYDANTIC, **JSONSCHEMA, **JWT}
