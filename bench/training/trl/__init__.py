"""TRL's trainers with the balanced step inside; the only room that imports trl. Read `balanced.py` first."""
