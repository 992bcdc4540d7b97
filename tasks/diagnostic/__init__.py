"""Tasks that show what a method does with a mixture, and that nobody would train on for their own sake.

Coins pay by chance, fixed by prompt and reply: loud gradients with nothing to learn. Tasks out of reach never pay. Both
are `diagnostic`: a suite may train on them and never scores them. Contrary tasks share the prompts' form of another
task and want the opposite answer for a part of them; what one gains there the other loses, and both may be scored.
"""
