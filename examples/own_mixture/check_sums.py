"""The verifier of sums.jsonl: the reply must begin with the sum."""

from tasks import Row


def begins_with_the_sum(reply: str, row: Row) -> float:
    """1.0 if the first word of the reply is the sum, else 0.0."""
    words = reply.split()
    return float(bool(words) and words[0] == row.answer)
