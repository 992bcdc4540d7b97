"""Training: the balanced step, the trainers around it, stages of plans, checkpoints.

May import models, engine and the contracts of methods and tasks; `trl/` alone imports trl. Read `training.py` first,
whose `stage` trains, then `step.py`.
"""
