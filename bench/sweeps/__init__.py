"""Many runs: plans of what is done and what it will cost, and their execution in processes, on Ray, under Slurm.

May import `bench.run` and what is below it, and ray; never torch. Read `sweep.py` first, then `plan.py`.
"""
