"""A site made by several processes is the site made by one, byte for byte."""

from pathlib import Path

import pytest

from leaderboard import workers
from leaderboard.build import build
from leaderboard.overview import Overview


@pytest.mark.slow
def test_several_processes_make_the_same_site(make_record, save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for suite in ("nano-v1", "nano-v2", "nano-dead-v1"):
        for method in ("uniform", "pcgrad"):
            for seed in range(3):
                save(tmp_path / "results", make_record(method=method, seed=seed, suite=suite))

    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    sites = []
    for many in (10**9, 1):
        monkeypatch.setattr(workers, "MANY", many)
        out = tmp_path / f"site{many}"
        build(tmp_path / "results", out)
        sites.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert sites[0] == sites[1]


def test_overviews_are_added_in_order_and_defaults_outlast_tuned_settings():
    whole = Overview()
    for name, title in (("a-v1", "defaults"), ("a-v1+tuned", "tuned"), ("b-v1", "later")):
        part = Overview(names=[name], uses={"pcgrad": {"title": title}, title: {"title": title}})
        part.sections["pcgrad"] = [title]
        whole.add(part)
    assert whole.names == ["a-v1", "a-v1+tuned", "b-v1"]
    assert whole.sections["pcgrad"] == ["defaults", "tuned", "later"]
    assert whole.uses["pcgrad"]["title"] == "later"
    assert whole.uses["tuned"]["title"] == "tuned"
