"""How Bedrock and STS say no. The texts are those that people quote in public issue threads."""

from __future__ import annotations

from xml.sax.saxutils import escape

from contract.services.stand_in import Refusal

STATUSES = {
    "ValidationException": 400,
    "SerializationException": 400,
    "ServiceQuotaExceededException": 400,
    "AccessDeniedException": 403,
    "UnrecognizedClientException": 403,
    "MissingAuthenticationTokenException": 403,
    "ExpiredTokenException": 403,
    "InvalidSignatureException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ModelTimeoutException": 408,
    "RequestEntityTooLargeException": 413,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
"""The status that goes with a kind of error."""
MODEL_SAYS = "The model returned the following errors: "


def refusal(status: int, name: str, message: str, **headers: str) -> Refusal:
    """Bedrock's error envelope: the class stands in a header."""
    kind = {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    return Refusal(status, {"message": message}, kind | headers)


def failing(name: str, message: str = "It failed.", **headers: str) -> Refusal:
    """An error with the status of its kind; headers by names as Python has them, `retry_after`."""
    spelled = {key.replace("_", "-"): value for key, value in headers.items()}
    return refusal(STATUSES[name], name, message, **spelled)


def invalid(message: str) -> Refusal:
    return failing("ValidationException", message)


def invalid_to_model(message: str) -> Refusal:
    """What not Bedrock but the model behind it has against a request."""
    return invalid(MODEL_SAYS + message)


def malformed(message: str) -> Refusal:
    """A body that is against the schema of a model."""
    return invalid(f"Malformed input request: {message}, please reformat your input and try again.")


def wrong_signature(message: str = "") -> Refusal:
    return failing(
        "InvalidSignatureException",
        message
        or "The request signature we calculated does not match the signature you provided. Check"
        " your AWS Secret Access Key and signing method. Consult the service documentation for"
        " details.",
    )


def unknown_key() -> Refusal:
    return failing(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    )


def expired_key() -> Refusal:
    return failing("ExpiredTokenException", "The security token included in the request is expired")


STS_CODES = {
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
}
"""How STS calls what Bedrock calls otherwise."""


def written_by_sts(refused: Refusal) -> str:
    """A refusal as XML."""
    name = refused.headers["x-amzn-errortype"].partition(":")[0]
    code = escape(STS_CODES.get(name, name))
    message = escape(refused.body["message"])
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        "</Error><RequestId>request-1</RequestId></ErrorResponse>"
    )
