"""Kinds of numbers and texts in a record, and the base of its parts."""

from typing import Annotated, Literal

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field

Finite = Annotated[float, AllowInfNan(False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+~-]{0,99}$")]
MethodName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+~-]{0,49}(/[A-Za-z0-9][A-Za-z0-9_.+~-]{0,49})?$")]
"""A method's name; one slash names a peer, as in torchjd/UPGrad."""
PLAIN = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
"""No control characters but tab and line feed, and none that turns the direction of what is read."""
LONGEST_TEXT = 2000
"""Characters of the longest text."""
Text = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=PLAIN)]
Scalar = bool | int | Finite | Annotated[str, Field(max_length=200, pattern=PLAIN)] | None
Value = Scalar | Annotated[list[Scalar], Field(max_length=1000)]
"""A setting or an override: flat, finite JSON."""
Status = Literal["done", "failed", "over_budget"]


class Frozen(BaseModel):
    """Base of all parts of a record: immutable, and closed against unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
