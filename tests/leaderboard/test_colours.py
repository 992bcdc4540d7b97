"""Series are distinguished by their colours, also by readers who see fewer of them, on both themes."""

import re
from pathlib import Path

import numpy as np
import pytest

import leaderboard

STYLE = Path(leaderboard.__file__).parent / "static/style.css"
VISION = {
    "all": np.eye(3),
    # Machado, Oliveira and Fernandes (2009), severity 1, on linear light
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
TO_CONES = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]]
TO_CONES += [[0.0883024619, 0.2817188376, 0.6299787005]]
TO_LAB = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]]
TO_LAB += [[0.0259040371, 0.7827717662, -0.8086757660]]
"""Ottosson's OKLab, from linear sRGB."""


def themes() -> list[tuple[str, list[str]]]:
    """The ground and the eight series colours of each block of the style sheet: light, and dark twice."""
    text = STYLE.read_text(encoding="utf-8")
    screen = text[: text.index("@media print")]
    grounds = re.findall(r"--ground: (#\w+);", screen)
    colours = re.findall(r"--c[0-7]: (#\w+);", text)
    assert len(colours) == 8 * len(grounds) == 24
    return [(ground, colours[8 * place : 8 * place + 8]) for place, ground in enumerate(grounds)]


def linear(colours: list[str]) -> np.ndarray:
    plain = [colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:]) for colour in colours]
    values = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in plain])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("ground", "colours"), themes())
def test_two_series_never_look_alike(ground: str, colours: list[str], vision: str) -> None:
    """In OKLab, in which 0.02 is just noticed; the palette before had pairs at 0.002 for protanopes."""
    seen = np.clip(linear(colours) @ np.transpose(VISION[vision]), 0, 1)
    lab = np.cbrt(seen @ np.transpose(TO_CONES)) @ np.transpose(TO_LAB)
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=2) + np.eye(len(colours))
    assert distance.min() >= 0.12, (ground, np.unravel_index(distance.argmin(), distance.shape))


@pytest.mark.parametrize(("ground", "colours"), themes())
def test_marks_stand_out_from_the_ground(ground: str, colours: list[str]) -> None:
    """WCAG 2.1, 1.4.11: three to one for what is no text."""
    light = linear([ground, *colours]) @ [0.2126, 0.7152, 0.0722] + 0.05
    contrast = np.maximum(light[1:], light[0]) / np.minimum(light[1:], light[0])
    assert contrast.min() >= 3
