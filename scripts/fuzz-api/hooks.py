"""What schemathesis cannot know of Gymserve: MessagePack, how much one machine bears, and refusals that no schema can foretell."""

import atexit
import collections
import json
import math
import os
import random
import re

import msgpack
import schemathesis

IS_OPEN = os.environ.get("GYMSERVE_FUZZ_OPEN") == "1"
RANDOM = random.Random(int(os.environ.get("GYMSERVE_FUZZ_SEED", "0")))
ITEM_SIZES = {"bool": 1, "uint8": 1, "int8": 1, "int32": 4, "int64": 8, "float32": 4, "float64": 8}
MOST_BYTES = 1 << 16


@schemathesis.hook
def before_load_schema(context, raw_schema):
    # Without keys the server asks for none, as the document says in words.
    if IS_OPEN:
        raw_schema.pop("security", None)
    # Python's regular expressions have no \p; these are the same characters but for lone surrogates, which it cannot send.
    raw_schema["components"]["schemas"]["AgentName"]["pattern"] = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"


# MessagePack


@schemathesis.serializer("application/msgpack")
def to_msgpack(context, value):
    return msgpack.packb(with_bytes(value), default=str)


@schemathesis.deserializer("application/msgpack")
def from_msgpack(context, response):
    return without_bytes(msgpack.unpackb(response.content))


def with_bytes(value):
    """JSON Schema has no word for bytes: `data` of a tensor becomes as many as its dtype and shape ask for."""
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 1e308 else str(value)
    if not isinstance(value, dict):
        return value
    length = byte_length(value)
    if length is not None:
        data = RANDOM.randbytes(length)
        return {**value, "data": bytes(byte & 1 for byte in data) if value["dtype"] == "bool" else data}
    return {name: with_bytes(item) for name, item in value.items()}


def byte_length(value):
    size = ITEM_SIZES.get(value.get("dtype")) if isinstance(value.get("dtype"), str) else None
    shape = value.get("shape")
    if size is None or "data" not in value or not isinstance(shape, list):
        return None
    for length in shape:
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            return None
        size = min(size * length, MOST_BYTES)
    return size


def without_bytes(value):
    """Bytes as text, which the schema of `data` allows as it allows anything; and the floats that JSON lacks by its names for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, list):
        return [without_bytes(item) for item in value]
    if isinstance(value, dict):
        return {name: without_bytes(item) for name, item in value.items()}
    return value


# What one machine bears: valid numbers become smaller valid ones; what is invalid stays as it is.

SMALLER = {
    "createEnvironment": {"num_envs": 4},
    "checkEnvironment": {"steps": 10},
    "rollOutEnvironment": {"steps": 20},
    "trainAgent": {"total_timesteps": 30, "num_envs": 2, "threads": 1},
    "evaluateAgent": {"episodes": 1},
}
PICTURES = 48
# The greatest number that the contract allows for any of them: what is above is wrong, and stays.
MOST_OF_ALL = 1_000_000_000


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw.get("operationId")
    shrink(case.body, SMALLER.get(operation, {}))
    if isinstance(case.body, dict):
        shrink(case.body.get("evaluation"), {"episodes": 1})
        shrink(case.body.get("render"), {"width": PICTURES, "height": PICTURES})
        if isinstance(case.body.get("render"), dict):
            for side in ("width", "height"):
                case.body["render"].setdefault(side, PICTURES)
    query = case.query or {}
    if operation == "renderEnvironment":
        shrink(query, {"width": PICTURES, "height": PICTURES})
    # A client that waits for a minute finds nothing more than one that waits for no time.
    if operation == "getJob" and re.fullmatch(r"(?:[0-9]|[1-5][0-9]|60)s?", str(query.get("wait", ""))):
        query["wait"] = "0s"
    # A case that is wrong has to stay as wrong as it is.
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    headers = case.headers
    # The example is one key: used for one thing it refuses every other.
    if "idempotency-key" in headers and RANDOM.random() < 0.7:
        headers["idempotency-key"] = f"fuzz-{RANDOM.getrandbits(64):x}"
    # Other forms of the answer than the first: MessagePack, CSV, text. A stream of events may go on for as long as its job.
    types = media_types(case.operation)
    if len(types) > 1 and "accept" not in headers and RANDOM.random() < 0.4:
        headers["accept"] = RANDOM.choice(types)


def media_types(operation):
    responses = operation.definition.raw.get("responses", {})
    content = responses.get("200", {}).get("content", {})
    return [name for name in content if name != "text/event-stream"]


def shrink(values, limits):
    if not isinstance(values, dict):
        return
    for name, most in limits.items():
        number = values.get(name)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            continue
        # What is an integer may be written as 2.0.
        if most < number <= MOST_OF_ALL and number == int(number):
            values[name] = most


# How many answers of which status each operation gave, for the summary.

COUNTS = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    COUNTS[case.operation.definition.raw.get("operationId")][response.status_code] += 1


@atexit.register
def write_counts():
    path = os.environ.get("GYMSERVE_FUZZ_COUNTS")
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(COUNTS, file)


# Refusals

# A request that fits the schema may be refused for what stands in the catalogue, in the database or in a space. Each refusal has a
# code of its own; `invalid_request` says that the request is not what the document says, so where the schema allows it the reason
# has to be one that the document gives in words.
SAID_IN_WORDS = [
    # `next_page_token` of the page before.
    r"page_token is .*, which no page gave",
    # Environments differ in their reset options, cameras and pictures; single ones and vectors in their fields.
    r"has no reset option",
    r"has no camera",
    r"is a single one",
    r"has \d+ sub-environments",
    r"The seed is \d+; sub-environment i is seeded with",
    # As many as another field says; one of two fields.
    r"There (?:are|is) (?:\d+|both|neither) ",
    r"it must be a list of \d+",
    r"cannot be aimed|is drawn in the plane",
    r"The body has a field \"(?:__proto__|constructor)\"|nested more than 64 levels",
    r"The header (?:content|repr)-digest is .*send sha-256",
    # An algorithm that plans steps no environments.
    r"plans and steps no environment",
    # JSON Schema has no word for bytes, nor for a shape that agrees with itself.
    r"rows that hold no numbers",
    r"A list of (?:tensors was sent as one number|\d+ tensors was sent)",
    r"has \d+ bytes; .* takes \S+, little-endian",
]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    try:
        problem = response.json()
    except ValueError:
        return True
    if response.status_code not in (400, 406, 409, 410, 413, 415, 416, 422, 426):
        return True
    if problem.get("code") != "invalid_request":
        return False
    return not any(re.search(words, problem["detail"]) for words in SAID_IN_WORDS)
