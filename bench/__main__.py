"""`python -m bench`, and `accelerate launch -m bench run ...` for several devices."""

from bench.cli.main import main

main()
