"""Many runs: which there are, what they cost, and processes, a Ray cluster or a Slurm array that execute them."""
