"""The people that the question-answering tasks speak of."""

NAMES = ("ann", "bob", "eve", "gus", "ida", "jon", "kim", "lea", "max", "ned", "sue", "tom")
