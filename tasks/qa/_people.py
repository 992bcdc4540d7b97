"""The names and places that the question-answering tasks speak of."""

NAMES = ("ann", "bob", "eve", "gus", "ida", "jon", "kim", "lea", "max", "ned", "sue", "tom")
CITIES = ("bern", "cork", "doha", "kiev", "lima", "lyon", "nice", "oslo", "riga", "rome", "suva", "turin")
