"""What the commands print: tables and sentences for people, JSON for programs. `terminal.py` comes first."""
