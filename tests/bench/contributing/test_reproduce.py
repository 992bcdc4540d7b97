"""A recorded run is made again from its record alone, and compared with it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.cli.displays.reproductions import again_json, unexplained
from bench.contributing.reproduce import between_seeds, differing_code, reproduce, request_of, words_of
from bench.errors import UserError
from bench.records.reproduction_files import problems_in
from bench.records.schema import Record
from bench.records.store import EXACT, identity_of, outcome_digest, read, record_files, to_text, write
from bench.request.request import RESULTS, parse_request
from bench.run.choices import chosen_methods, folder_of
from bench.run.story import run
from bench.validation.checkout import Checkout

TINY = ("suite=smoke-v1", "tasks=lookup,arithmetic", "recipe.steps=1", "evaluation.items=8", "seed=2")


class Silent:
    def phase(self, name: str) -> None:
        """Shows nothing."""

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        """Shows nothing."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with everything that a request can hold: overrides, settings, a setting per task, a wrapper."""
    store = tmp_path_factory.mktemp("store")
    words = ("method=static", "method.weights=lookup:3", "wrapper=samo", f"store={store}")
    finished = run(parse_request([*TINY, *words]), Silent())
    assert finished is not None
    return finished.path


def test_a_run_is_reproduced_bitwise_and_leaves_nothing_but_the_reproduction(recorded: Path, tmp_path: Path) -> None:
    before = recorded.read_bytes()
    again = reproduce(recorded, [], tmp_path, Silent(), run)
    assert again is not None
    assert again.reproduction.verdict == "bitwise"
    assert again.other_code == []
    assert again.path is not None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [again.path]
    assert again.path.parts[-3:-1] == recorded.parts[-3:-1]
    assert problems_in(again.path, read(recorded)) == []
    assert recorded.read_bytes() == before
    assert not unexplained(again)
    assert json.loads(json.dumps(again_json(again)))["file"] == str(again.path)


def test_a_changed_figure_is_found(recorded: Path, tmp_path: Path) -> None:
    """A forger raises the last scores, and the digest fits again; the rerun disagrees."""
    data = json.loads(recorded.read_text())
    for task in data["tasks"]:
        task["after"] = {"count": 8, "items": "ff", "mean": 1.0}
    data["outcome_digest"] = outcome_digest(data)
    forged = tmp_path.joinpath(*recorded.parts[-3:])
    write(forged, to_text(Record.model_validate(data)))
    again = reproduce(forged, [f"store={tmp_path / 'again'}"], tmp_path / "out", Silent(), run)
    assert again is not None
    assert again.reproduction.verdict == "not reproduced"
    assert unexplained(again)
    kept = next(iter(record_files(tmp_path / "again")))
    assert read(kept).outcome_digest == read(recorded).outcome_digest
    with pytest.raises(UserError, match="holds this run already"):
        reproduce(forged, [f"store={tmp_path / 'again'}"], tmp_path / "out", Silent(), run)


def edited(recorded: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """The record, changed, with an identity that fits."""
    data = json.loads(recorded.read_text())
    edit(data)
    data["identity"] = identity_of(data)
    data["outcome_digest"] = outcome_digest(data)
    path = tmp_path.joinpath(*recorded.parts[-3:])
    write(path, to_text(Record.model_validate(data)))
    return path


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda data: data["method"].update(version=7), "version of static: 7 in the record, 1 here"),
        (lambda data: data["method"].update(source_digest="0" * 64), "source of static under the same version"),
        (lambda data: data["method"]["wrapper"].update(version=9), "version of samo: 9 in the record"),
        (lambda data: data["suite"].update(digest="0" * 64), "digest of the suite: 000000000000 in the record"),
        (lambda data: data["model"].update(digest="0" * 64), "digest of the model: 000000000000 in the record"),
        (lambda data: data["tasks"][0].update(data_hash="0" * 64), "set of task revisions and rows"),
        (lambda data: data.update(protocol=0), "protocol of the harness: 0 in the record"),
    ],
)
def test_other_code_is_named_and_refused(
    recorded: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object], said: str
) -> None:
    path = edited(recorded, tmp_path, edit)
    with pytest.raises(UserError, match="this checkout has another ") as refused:
        reproduce(path, [], tmp_path / "out", Silent(), never)
    assert said in str(refused.value)
    assert "--anyway" in str(refused.value)


def never(*_: object) -> None:
    pytest.fail("nothing should be run")


def test_other_code_can_be_compared_but_is_no_reproduction(recorded: Path, tmp_path: Path) -> None:
    path = edited(recorded, tmp_path, lambda data: data["method"].update(version=7))
    again = reproduce(path, [], tmp_path / "out", Silent(), run, anyway=True)
    assert again is not None
    assert again.path is None
    assert not (tmp_path / "out").exists()
    assert again.reproduction.verdict == "within tolerance"  # the same numbers, under another identity
    assert len(again.other_code) == 1


@pytest.mark.parametrize("digest", ["identity", "outcome_digest"])
def test_a_record_whose_digests_do_not_fit_is_refused(recorded: Path, tmp_path: Path, digest: str) -> None:
    """Or scores could be edited below a digest that the rerun gives again."""
    path = tmp_path.joinpath(*recorded.parts[-3:])
    path.parent.mkdir(parents=True)
    path.write_text(recorded.read_text().replace(getattr(read(recorded), digest), "1" * 64))
    with pytest.raises(UserError, match="was edited"):
        reproduce(path, [], tmp_path, Silent(), never)


def test_words_that_ask_for_another_run_are_refused(recorded: Path) -> None:
    with pytest.raises(UserError, match="only store, data_root, unsafe_code"):
        request_of(read(recorded), ["seed=1"], Path("store"))


def test_the_process_beside_the_first_says_nothing(recorded: Path, tmp_path: Path) -> None:
    """Of several that train together, one writes the record."""
    assert reproduce(recorded, [], tmp_path, Silent(), lambda *_: None) is None


ONE_A_METHOD = sorted({path.parent: path for path in record_files(RESULTS / "nano-v1")}.values())


@pytest.mark.parametrize("path", ONE_A_METHOD, ids=lambda path: path.parent.name)
def test_a_published_record_says_all_that_its_method_needs(path: Path, tmp_path: Path) -> None:
    record = read(path)
    request = request_of(record, [], tmp_path)
    method, wrapper = chosen_methods(request)
    assert request.suite.digest == record.suite.digest
    recorded, checkout = record.method, Checkout()
    names = [name for name in EXACT if name not in ("version", "source_digest")]
    assert {name: method.use[name] for name in names} == {name: getattr(recorded, name) for name in names}
    assert recorded.version <= method.card.version
    if recorded.version == method.card.version:
        assert recorded.source_digest in checkout.digests(method.card)
    else:
        assert checkout.had(method.card, recorded.version, recorded.source_digest)
    assert folder_of(method, wrapper) == path.parent.name


def test_a_record_of_an_earlier_protocol_differs_by_that_and_by_how_sources_were_digested(tmp_path: Path) -> None:
    path = RESULTS / "nano-v1" / "static+0a09563d" / "1.json"
    found = differing_code(read(path), request_of(read(path), [], tmp_path))
    assert [line.partition(":")[0] for line in found] == [
        "source of static under the same version",
        "protocol of the harness",
    ]


def test_values_are_written_as_the_command_line_takes_them() -> None:
    record = read(RESULTS / "nano-v1" / "uniform" / "0.json")
    suite = record.suite.model_copy(
        update={"overrides": {"tasks": ["lookup"], "budget.steps": None, "gradient_checkpointing": True}}
    )
    words = words_of(record.model_copy(update={"suite": suite}))
    assert words[-3:] == ["tasks=lookup", "budget.steps=none", "gradient_checkpointing=true"]


def test_the_spread_is_that_of_the_published_runs_of_the_suite() -> None:
    record = read(RESULTS / "nano-v1" / "uniform" / "0.json")
    found = between_seeds(record)
    assert found.gain is not None
    assert 0.001 < found.gain < 0.02
    changed = record.model_copy(update={"suite": record.suite.model_copy(update={"digest": "0" * 64})})
    assert between_seeds(changed).gain is None


def test_a_record_of_an_earlier_protocol_names_the_commit_that_can_run_it_again(tmp_path: Path) -> None:
    path = RESULTS / "nano-v1" / "uniform" / "0.json"
    with pytest.raises(
        UserError, match=f"protocol of the harness.*Check out commit {read(path).provenance.commit[:12]}"
    ):
        reproduce(path, [], tmp_path, Silent(), run)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["uniform", "pcgrad"])
def test_a_run_of_the_embedded_suite_is_reproduced_bitwise(tmp_path: Path, method: str) -> None:
    """Published records are of an earlier protocol, so that the record is made here first."""
    words = [f"method={method}", "suite=nano-v1", f"store={tmp_path / 'first'}"]
    finished = run(parse_request(words), Silent())
    assert finished is not None
    again = reproduce(finished.path, [f"store={tmp_path / 'second'}"], tmp_path, Silent(), run)
    assert again is not None
    assert again.reproduction.verdict == "bitwise"
