"""Base models: their files and digests, how they are loaded, adapters, prompts, devices.

May import the engine, and transformers, peft and accelerate. Read `base.py` first; `files.py` loads nothing heavy.
"""
