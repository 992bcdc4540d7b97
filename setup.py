"""What pyproject.toml cannot say: suites, embedded models and published results go into a wheel, below bench/."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
EMBEDDED = (
    "suites",
    "results",
    "reproductions",
    "tuned",
    "assets/nano",
    "assets/nano2",
    "assets/smollm2",
    "assets/smol",
)
"""Folders that an installation cannot do without; `bench/places.py` says where they are looked for."""


class BuildWithData(build_py):
    """Build the packages, then put the data beside them; an editable installation has it in the checkout."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for name in EMBEDDED:
            if (HERE / name).is_dir():
                target = Path(self.build_lib) / "bench" / "_embedded" / name
                unwanted = shutil.ignore_patterns(".*", "*~*")  # locks, logs, exploratory runs
                shutil.copytree(HERE / name, target, ignore=unwanted, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})
