"""Look up a fact in a short passage about a few people.

The reply is the name, the city or the job that is asked for.
"""

import random

from tasks import Draft
from tasks._sentences import NAMES, SentenceTask, others

PEOPLE = 3
"""Difficulty: people of whom the passage speaks, 2 to 12: as many sentences."""
CITIES = ("Berlin", "Cairo", "Dublin", "Lima", "London", "Madrid", "Oslo", "Paris", "Prague", "Rome", "Tokyo", "Vienna")
JOBS = (
    "baker",
    "cook",
    "dentist",
    "doctor",
    "driver",
    "farmer",
    "lawyer",
    "nurse",
    "painter",
    "pilot",
    "singer",
    "teacher",
)
SENTENCES = (
    "{name} lives in {city} and works as a {job}.",
    "{name}, a {job}, lives in {city}.",
    "The {job} {name} lives in {city}.",
)
QUESTIONS = (
    ("In which city does {name} live?", "city"),
    ("In which city does the {job} live?", "city"),
    ("What is the job of {name}?", "job"),
    ("Who lives in {city}?", "name"),
    ("Who works as a {job}?", "name"),
)
"""Difficulty: what is asked, and what the answer is. Those that name the person are the easiest."""


class PassageLookup(SentenceTask):
    name = "passage_lookup"
    domain = "qa"
    revision = 1
    summary = "Look up a name, a city or a job in a passage about three people; the reply must be it."
    chance = 1 / PEOPLE
    max_reply_tokens = 8

    def draw(self, rng: random.Random) -> Draft:
        people = [
            {"name": name, "city": city, "job": job}
            for name, city, job in zip(*(rng.sample(pool, PEOPLE) for pool in (NAMES, CITIES, JOBS)), strict=True)
        ]
        passage = " ".join(rng.choice(SENTENCES).format(**person) for person in people)
        asked, (question, wanted) = rng.choice(people), rng.choice(QUESTIONS)

        # mostly of the same kind as the answer, sometimes of the same person
        same = others(asked[wanted], [person[wanted] for person in people])
        wrong = [*same, *same, *others(asked[wanted], list(asked.values()))]
        prompt = f"{passage} {question.format(**asked)} Reply with the {wanted} only."
        return Draft(prompt, asked[wanted], {"wrong": wrong})
