"""What Schemathesis cannot know: CBOR, and rules between two fields, which JSON Schema does not say."""

import struct
from typing import Any

import cbor2
import schemathesis

# RFC 8746 tags that answers use, as struct formats.
TYPED_ARRAYS = {64: "B", 69: "<H", 70: "<I", 71: "<Q", 81: ">f", 85: "<f", 86: "<d"}


@schemathesis.serializer("application/cbor")
def to_cbor(_context: Any, value: Any) -> bytes:
    return cbor2.dumps(value)


@schemathesis.deserializer("application/cbor")
def from_cbor(_context: Any, response: Any) -> Any:
    return cbor2.loads(response.content, tag_hook=typed_array)


def typed_array(tag: cbor2.CBORTag, *_: Any) -> list[Any]:
    form = TYPED_ARRAYS[tag.tag]
    return [number for (number,) in struct.iter_unpack(form, tag.value)]


JSON_INTEGER_MAX = 2**53 - 1


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    """Ids above 2^53 - 1 are wrong in JSON, whose numbers are doubles, and good in CBOR; both share a schema."""
    return case.media_type != "application/cbor" or not has_wide_integer(case.body)


def has_wide_integer(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_wide_integer(one) for one in value.values())
    if isinstance(value, list):
        return any(has_wide_integer(one) for one in value)
    return isinstance(value, int) and value > JSON_INTEGER_MAX


DEADLINE_HEADER = "x-request-deadline-ms"


def is_deadline(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and 0 < float(value) <= 60_000
    except (TypeError, ValueError):
        return False


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Deadlines become long, since a short one asks for a 504 and gets it; good requests keep the rules between fields."""
    if case.headers and is_deadline(case.headers.get(DEADLINE_HEADER)):
        case.headers[DEADLINE_HEADER] = "6e4"
    if not isinstance(case.body, dict):
        return
    if is_deadline(case.body.get("deadline_ms")):
        case.body["deadline_ms"] = 60_000
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A column has one number per candidate.
    candidates = case.body.get("candidates")
    columns = case.body.get("candidate_features")
    if not isinstance(candidates, list) or not isinstance(columns, dict):
        return
    count = len(candidates)
    for name, column in columns.items():
        columns[name] = (column + [None] * count)[:count]
