"""The commands, a file a purpose; `bench.cli.main` registers them. They import what they need when they are called."""
