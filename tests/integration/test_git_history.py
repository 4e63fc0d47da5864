"""Run the gate on histories of git: numbers grow from where a branch began, and nothing passes untold."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.repositories import Answer, Repository, config, fmas, model, run, surroundings

THIN, WIDE, WIDER = 32, 64, 96
WAIVER = """\
waivers:
  - {model: mlp.onnx, rule: growth.fmas, until: 2026-12-31, reason: the new encoder lands in January}
"""
DAY = ("--today", "2026-11-27")
LOCK = "feasible.lock.json"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository whose branch `wide` doubles the model and brings its own lock, up to date."""
    repository = Repository.begin(tmp_path_factory.mktemp("history") / "kept")
    repository.write({"feasible.yaml": config(), "mlp.onnx": model(THIN)})
    repository.gate("--update")
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "wide")
    repository.write({"mlp.onnx": model(WIDE)})
    repository.gate("--update")
    repository.commit()
    return repository


@pytest.fixture
def grown(kept: Repository, tmp_path: Path) -> Repository:
    """Return a copy of it to change."""
    return kept.copy(tmp_path / "grown")


def growth(answer: Answer) -> dict[str, Any]:
    """Return the finding about growth from an answer in JSON."""
    findings = json.loads(answer.out)["findings"]
    found: dict[str, Any] = next(each for each in findings if each["rule"] == "growth.fmas")
    return found


def test_growth_is_told_from_where_the_branch_began(kept: Repository) -> None:
    """A model that doubled is over, though the branch brings a lock that says so."""
    answer = kept.gate("-o", "json=-", *DAY)
    found = growth(answer)
    assert answer.code == 1
    assert (found["base"], found["now"]) == (fmas(THIN), fmas(WIDE)) == (2368, 4736)
    assert found["budget"] == fmas(THIN) + max(100, 0.05 * fmas(THIN)) == 2486.4
    assert (found["outcome"], found["fails"]) == ("over", True)
    assert "where HEAD and main meet" in json.loads(answer.out)["baseline"]


def test_the_modules_that_grew_are_named(kept: Repository) -> None:
    """The reasons name fc1 (64 * 32 multiply-adds more, 2 FLOP each) before fc2 (32 * 10)."""
    answer = kept.gate()
    fc1, fc2 = (answer.said.index(name) for name in ("encoder/fc1 has 4.1 kFLOP", "head/fc2 has 640 FLOP"))
    assert answer.code == 1
    assert fc1 < fc2


def test_the_same_history_gives_the_same_bytes(kept: Repository) -> None:
    """Two runs write the same report."""
    assert len({kept.gate("-o", "json=-", *DAY).out for _ in range(2)}) == 1


def test_growth_counts_from_the_branch_point_and_not_from_the_tip(grown: Repository) -> None:
    """A main branch that has moved on since, with a wider model, does not hide growth."""
    grown.git("checkout", "--quiet", "main")
    grown.write({"mlp.onnx": model(WIDER)})
    grown.gate("--update")
    grown.commit()
    grown.git("checkout", "--quiet", "wide")
    answer = grown.gate("-o", "json=-")
    assert (answer.code, growth(answer)["base"]) == (1, fmas(THIN))


@pytest.mark.parametrize(
    ("today", "code", "result"),
    [("2026-11-27", 0, "waived"), ("2026-12-31", 0, "waived"), ("2027-01-01", 1, "over")],
)
def test_a_waiver_holds_to_the_end_of_its_last_day(
    grown: Repository, today: str, code: int, result: str
) -> None:
    """A waiver covers its rule until its day, that day included, and not the day after."""
    grown.write({"feasible.yaml": config(more=WAIVER)})
    answer = grown.gate("-o", "json=-", "--today", today)
    found = growth(answer)
    assert (answer.code, found["outcome"]) == (code, result)
    assert found["waiver"]["until"] == "2026-12-31"


def test_an_ended_waiver_is_said(grown: Repository) -> None:
    """The text names the day on which the waiver ended, and its reason."""
    grown.write({"feasible.yaml": config(more=WAIVER)})
    said = grown.gate("--today", "2027-01-01").said
    assert "ended on 2026-12-31" in said
    assert "the new encoder lands in January" in said


def test_a_waiver_names_files_with_odd_letters(grown: Repository) -> None:
    """A model called [v2].onnx is named by that in a waiver, and by a glob."""
    grown.write({"[v2].onnx": model(WIDE)})
    odd = config(budget_fmas="1").replace("mlp.onnx", '"[v2].onnx"', 1).partition("    growth:")[0]
    for name in ('"[v2].onnx"', '"?v2?.onnx"'):
        waiver = WAIVER.replace("growth.fmas", "fmas").replace("mlp.onnx", name, 1)
        grown.write({"feasible.yaml": f"{odd}{waiver}lock: off\n"})
        assert grown.gate(*DAY).code == 0


def test_an_unreadable_model_is_covered_by_no_waiver(grown: Repository) -> None:
    """A waiver of everything that can be waived does not pass a model that nobody can read."""
    rules = ("fmas", "growth.fmas", "coverage")
    each = '  - {{model: "*", rule: {}, until: 2999-01-01, reason: x}}\n'
    grown.write({"feasible.yaml": config(more="waivers:\n" + "".join(map(each.format, rules)))})
    (grown.folder / "mlp.onnx").write_bytes(b"")
    assert grown.gate().code == 1


def test_a_waiver_of_another_model_or_rule_covers_nothing(grown: Repository) -> None:
    """Waivers cover what they name."""
    for other, said in (
        (WAIVER.replace("growth.fmas", "fmas"), "is not needed"),
        (WAIVER.replace("mlp.onnx", "other.onnx"), "names nothing"),
    ):
        grown.write({"feasible.yaml": config(more=other)})
        answer = grown.gate(*DAY)
        assert answer.code == 1
        assert said in answer.said


def test_no_lock_where_the_branch_began(tmp_path: Path) -> None:
    """A main branch with a config and no lock is a sentence and a failure, whatever lock the branch has."""
    repository = Repository.begin(tmp_path)
    repository.write({"feasible.yaml": config(), "mlp.onnx": model(THIN)})
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "locked")
    repository.gate("--update")
    repository.commit()
    answer = repository.gate()
    assert answer.code == 1
    assert "there is no feasible.lock.json at" in answer.said
    assert "feasible gate --update" in answer.said


@pytest.fixture
def beginning(tmp_path: Path) -> Repository:
    """Return a branch that brings the gate: neither config nor lock is on main."""
    repository = Repository.begin(tmp_path)
    repository.write({"mlp.onnx": model(THIN)})
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "gate")
    repository.write({"feasible.yaml": config()})
    repository.gate("--update")
    repository.commit()
    return repository


def test_the_pull_request_that_brings_the_gate_passes(beginning: Repository) -> None:
    """Where main has no config either, the lock that comes along is the baseline, and that is said."""
    answer = beginning.gate()
    assert answer.code == 0
    assert "that begins here" in answer.said


def test_the_pull_request_that_brings_the_gate_needs_a_lock(beginning: Repository) -> None:
    """Without a lock, or with one that is not true, it does not pass."""
    (beginning.folder / LOCK).unlink()
    assert beginning.gate().code == 1
    beginning.write({"mlp.onnx": model(THIN + 1)})
    beginning.gate("--update")
    beginning.write({"mlp.onnx": model(THIN)})
    answer = beginning.gate()
    assert answer.code == 1
    assert "feasible.lock.json does not say what is measured now of mlp.onnx" in answer.said


@pytest.mark.parametrize("env", [{}, {"GITHUB_BASE_REF": "main"}])
def test_a_shallow_clone_is_not_judged(kept: Repository, tmp_path: Path, env: dict[str, str]) -> None:
    """A clone of one commit has no branch point: growth is not passed, and fetch-depth is the way out."""
    clone = Repository(tmp_path / "shallow")
    Repository.begin(tmp_path).git(
        "clone", "--quiet", "--depth=1", "--branch=wide", kept.folder.as_uri(), str(clone.folder)
    )
    answer = clone.gate(**env)
    assert answer.code == 1
    assert "fetch-depth: 0" in answer.said


@pytest.mark.parametrize("depth", ["--depth=1", "--depth=2147483647"])
def test_a_checkout_of_a_pull_request(kept: Repository, tmp_path: Path, depth: str) -> None:
    """actions/checkout leaves a merge commit and no branch: it fails with the one commit and with all."""
    upstream = kept.copy(tmp_path / "upstream")
    upstream.git("checkout", "--quiet", "main")
    upstream.git("merge", "--quiet", "--no-ff", "--message", "merge", "wide")
    upstream.git("update-ref", "refs/pull/1/merge", "HEAD")
    upstream.git("reset", "--quiet", "--hard", "HEAD^1")
    checkout = Repository.begin(tmp_path / "checkout")
    checkout.git("remote", "add", "origin", upstream.folder.as_uri())
    wanted = ["+refs/pull/1/merge:refs/remotes/pull/1/merge"]
    wanted += ["+refs/heads/*:refs/remotes/origin/*"] if depth != "--depth=1" else []
    checkout.git("fetch", "--quiet", depth, "origin", *wanted)
    checkout.git("checkout", "--quiet", "--detach", "refs/remotes/pull/1/merge")
    answer = checkout.gate("-o", "json=-", GITHUB_BASE_REF="main")
    found = growth(answer)
    assert answer.code == 1
    assert (found["outcome"], found["base"]) == (
        ("untold", None) if depth == "--depth=1" else ("over", fmas(THIN))
    )


def test_a_shallow_clone_without_growth_limits_passes(kept: Repository, tmp_path: Path) -> None:
    """Budgets alone need no baseline."""
    clone = Repository(tmp_path / "shallow")
    Repository.begin(tmp_path).git(
        "clone", "--quiet", "--depth=1", "--branch=wide", kept.folder.as_uri(), str(clone.folder)
    )
    clone.write({"feasible.yaml": config().partition("    growth:")[0]})
    assert clone.gate().code == 0


def test_a_repository_of_another_user_is_not_judged(kept: Repository) -> None:
    """Where git refuses to read, growth does not pass by the branch's own lock; git's words are repeated."""
    answer = kept.gate(GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert answer.code == 1
    assert "dubious ownership" in answer.said
    assert "safe.directory" in answer.said


def test_without_git_the_lock_here_is_the_baseline(tmp_path: Path) -> None:
    """Outside any repository the lock that lies there is compared with, and that is said."""
    (tmp_path / "feasible.yaml").write_text(config())
    (tmp_path / "mlp.onnx").write_bytes(model(THIN))
    outside = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    run(tmp_path, "gate", "--update", **outside)
    answer = run(tmp_path, "gate", **outside)
    assert answer.code == 0
    assert "as it lies here (no commit of git to compare with)" in answer.said


def test_a_branch_that_is_asked_for_outside_git_is_not_judged(tmp_path: Path) -> None:
    """--base, `baseline` and GITHUB_BASE_REF ask for a history: the lock that lies here is none."""
    (tmp_path / "mlp.onnx").write_bytes(model(THIN))
    outside = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    (tmp_path / "feasible.yaml").write_text(config())
    run(tmp_path, "gate", "--update", **outside)
    asked = [
        run(tmp_path, "gate", "--base", "main", **outside),
        run(tmp_path, "gate", GITHUB_BASE_REF="main", **outside),
    ]
    (tmp_path / "feasible.yaml").write_text(config(more="baseline: main\n"))
    asked.append(run(tmp_path, "gate", **outside))
    assert [answer.code for answer in asked] == [1, 1, 1]


def test_a_repository_without_a_git_to_read_it_is_not_judged(kept: Repository, tmp_path: Path) -> None:
    """A system without git does not pass growth in a repository: the branch's lock is no baseline."""
    answer = kept.gate("-o", "json=-", PATH=str(tmp_path))
    assert (answer.code, growth(answer)["outcome"]) == (1, "untold")


@pytest.mark.parametrize(
    "break_it",
    [
        lambda git: (git / "HEAD").write_text("nonsense\n"),
        lambda git: (git / "config").write_text("[core\n"),
        lambda git: git.rename(git.with_name("moved")),
    ],
    ids=["no HEAD", "no config", "moved"],
)
def test_a_repository_that_git_cannot_read_is_not_judged(
    grown: Repository, break_it: Callable[[Path], object]
) -> None:
    """A broken repository, or a .git file to nowhere as in a container, is no missing repository."""
    git = grown.folder / ".git"
    break_it(git)
    if not git.exists():
        git.write_text("gitdir: /nowhere/at/all\n")
    assert grown.gate().code == 1


def test_a_stale_lock_is_not_passed(grown: Repository) -> None:
    """A lock that does not say what the models measure now names the model and the command."""
    grown.write({"mlp.onnx": model(WIDE + 1)})
    answer = grown.gate()
    assert answer.code == 1
    assert "feasible.lock.json does not say what is measured now of mlp.onnx" in answer.said
    assert "feasible gate --update" in answer.said


@pytest.mark.parametrize(
    ("level", "code"), [("error", 1), ("warn", 0), ("off", 0)], ids=["error", "warn", "off"]
)
def test_a_stale_lock_has_a_level(grown: Repository, level: str, code: int) -> None:
    """`lock: warn` says it, `lock: off` does not."""
    grown.write(
        {
            "mlp.onnx": model(WIDE + 1),
            "feasible.yaml": config(more=f"{WAIVER}lock: {level}\n"),
        }
    )
    answer = grown.gate(*DAY)
    assert answer.code == code
    assert ("does not say what is measured now" in answer.said) == (level != "off")


CONFLICT = "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> wide\n"
HUGE = f'{{"schema_version": {"1" * 5000}}}'
NO_LOCKS = ["", "null", "[]", "{}", CONFLICT, HUGE, "[" * 100_000, "\x00", "é" * 9, '{"schema_version": 2}']


@pytest.mark.parametrize("content", NO_LOCKS, ids=range(len(NO_LOCKS)))
def test_a_lock_that_is_none_is_a_sentence(grown: Repository, content: str) -> None:
    """Merge conflicts, other JSON and absurd JSON in the lock here fail with how to write it anew."""
    grown.write({LOCK: content, "feasible.yaml": config(more=WAIVER)})
    answer = grown.gate(*DAY)
    assert answer.code == 1
    assert "failed inside" not in answer.err
    assert "feasible gate --update" in answer.said


@pytest.mark.parametrize("content", [CONFLICT, HUGE], ids=["conflict", "huge"])
def test_a_baseline_that_is_no_lock_is_not_passed(grown: Repository, content: str) -> None:
    """A lock on main with merge conflicts in it is a baseline that nobody can read."""
    grown.git("checkout", "--quiet", "main")
    grown.write({LOCK: content})
    grown.commit()
    grown.git("checkout", "--quiet", "-b", "next")
    grown.gate("--update")
    answer = grown.gate("-o", "json=-")
    found = growth(answer)
    assert (answer.code, found["outcome"]) == (1, "untold")
    assert "feasible.lock.json: " in found["message"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1"])
def test_a_baseline_of_no_number_is_not_passed(grown: Repository, number: str) -> None:
    """A lock on main whose numbers are none lets no growth pass."""
    grown.git("checkout", "--quiet", "main")
    text = (grown.folder / LOCK).read_text()
    assert f'"fmas": {fmas(THIN)}' in text
    grown.write({LOCK: text.replace(f'"fmas": {fmas(THIN)}', f'"fmas": {number}')})
    grown.commit()
    grown.git("checkout", "--quiet", "-b", "next")
    grown.write({"mlp.onnx": model(WIDE)})
    grown.gate("--update")
    assert grown.gate().code == 1


def test_the_branch_of_the_pull_request_is_compared_with(grown: Repository) -> None:
    """GITHUB_BASE_REF, --base and `baseline` name the branch, the option first."""
    grown.git("branch", "release", "wide")
    grown.git("checkout", "--quiet", "-b", "wider")
    grown.write({"mlp.onnx": model(WIDER)})
    grown.gate("--update")
    grown.commit()

    def base(*words: str, **env: str) -> float:
        return float(growth(grown.gate("-o", "json=-", *words, **env))["base"])

    assert base() == fmas(THIN)
    assert base(GITHUB_BASE_REF="release") == fmas(WIDE)
    assert base("--base", "release") == fmas(WIDE)
    assert base("--base", "main", GITHUB_BASE_REF="release") == fmas(THIN)
    grown.write({"feasible.yaml": config(more="baseline: release\n")})
    assert base() == fmas(WIDE)
    assert base("--base", "main") == fmas(THIN)


def test_a_base_told_from_head_is_ones_own(kept: Repository, tmp_path: Path) -> None:
    """--base HEAD~1 is the commit before this one, and not the one before a remote's."""
    clone = Repository(tmp_path / "clone")
    Repository.begin(tmp_path).git("clone", "--quiet", kept.folder.as_uri(), str(clone.folder))
    clone.write({"mlp.onnx": model(WIDER)})
    clone.gate("--update")
    clone.commit()
    answer = clone.gate("-o", "json=-", "--base", "HEAD~1")
    assert (answer.code, growth(answer)["base"]) == (1, fmas(WIDE))


@pytest.mark.parametrize("name", ["nosuch", "--upload-pack=touch x", "-h", "main:mlp.onnx", "ma in", ":/x"])
def test_a_branch_that_is_not_there_is_not_judged(kept: Repository, name: str) -> None:
    """A base that git does not know lets no growth pass, and no option of git hides in it."""
    answer = kept.gate("--base", name)
    assert answer.code == 1
    assert "git knows no commit, branch or tag" in answer.said
    assert not (kept.folder / "x").exists()


def test_a_base_branch_of_the_pull_request_that_is_not_here(kept: Repository) -> None:
    """A base that GitHub names and the checkout lacks is not replaced by another branch."""
    answer = kept.gate(GITHUB_BASE_REF="release")
    assert answer.code == 1
    assert "release" in answer.said


def test_a_history_without_a_common_commit_is_not_judged(grown: Repository) -> None:
    """An orphan branch has no branch point."""
    grown.git("checkout", "--quiet", "--orphan", "alone")
    grown.commit()
    answer = grown.gate("--base", "main")
    assert answer.code == 1
    assert "git finds no common commit of HEAD and 'main'" in answer.said


@pytest.fixture(scope="module")
def inner(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository whose config lies in a folder of it."""
    repository = Repository.begin(tmp_path_factory.mktemp("inner"))
    repository.write({"ml/net/feasible.yaml": config(), "ml/net/mlp.onnx": model(THIN), "ml/net/x/y": ""})
    repository.gate("--update", below="ml/net")
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "wide")
    repository.write({"ml/net/mlp.onnx": model(WIDE)})
    repository.gate("--update", below="ml/net")
    repository.commit()
    return repository


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ("ml/net", ()),
        ("ml/net/x", ()),
        (".", ("--config", "ml/net/feasible.yaml")),
        ("ml/net/x", ("--config", "../feasible.yaml")),
    ],
)
def test_a_config_in_a_folder(inner: Repository, below: str, words: tuple[str, ...]) -> None:
    """The lock on main is found beside the config, from its folder, from one below and from the top."""
    answer = inner.gate("-o", "json=-", *words, below=below)
    assert (answer.code, growth(answer)["base"]) == (1, fmas(THIN))


def test_the_surroundings_of_a_hook(inner: Repository, tmp_path: Path) -> None:
    """What git sets for its hooks (relative folders, another index) does not lead astray."""
    answer = inner.gate(
        "-o",
        "json=-",
        below="ml/net",
        GIT_DIR=".git",
        GIT_INDEX_FILE=str(tmp_path / "index"),
        GIT_WORK_TREE=".",
        GIT_PREFIX="",
    )
    assert (answer.code, growth(answer)["base"]) == (1, fmas(THIN))


def test_a_linked_worktree(kept: Repository, tmp_path: Path) -> None:
    """In a worktree, whose .git is a file, history is the same; the branches are."""
    copy = kept.copy(tmp_path / "copy")
    copy.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "wide")
    answer = Repository(tmp_path / "linked").gate("-o", "json=-")
    assert (answer.code, growth(answer)["base"]) == (1, fmas(THIN))


def test_the_same_in_a_process(kept: Repository) -> None:
    """As a process, with the reader of models in its child, the answer and the exit code are the same."""
    done = subprocess.run(
        [sys.executable, "-m", "feasibility.cli", "gate", *DAY],
        cwd=kept.folder,
        env=surroundings(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode() == kept.gate(*DAY).out


def test_a_tag_is_no_branch(grown: Repository) -> None:
    """A tag called as the remote's main branch, on the commit that grew, is not what growth is told from."""
    grown.git("update-ref", "refs/remotes/origin/main", "main")
    grown.git("tag", "origin/main", "HEAD")
    for words in ((), ("--base", "main"), ("--base", "origin/main")):
        assert growth(grown.gate("-o", "json=-", *words))["base"] == fmas(THIN), words


def test_a_branch_that_is_called_like_a_remote_one_is_not_it(grown: Repository) -> None:
    """Whoever may push branches can push one called origin/main; origin's main is another."""
    grown.git("update-ref", "refs/remotes/origin/main", "main")
    grown.git("update-ref", "refs/remotes/origin/origin/main", "HEAD")
    assert growth(grown.gate("-o", "json=-", "--base", "origin/main"))["base"] == fmas(THIN)


@pytest.mark.parametrize(
    "name", ["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "BITBUCKET_PR_DESTINATION_BRANCH", "CHANGE_TARGET"]
)
def test_each_service_says_where_a_pull_request_goes(name: str, grown: Repository) -> None:
    """The target branch is told by GitLab, Bitbucket and Jenkins too, under other names."""
    grown.git("branch", "--move", "main", "trunk")
    assert growth(grown.gate("-o", "json=-", **{name: "trunk"}))["base"] == fmas(THIN)


def test_azure_names_its_branch_in_full(grown: Repository) -> None:
    """refs/heads/trunk is trunk."""
    grown.git("branch", "--move", "main", "trunk")
    answer = grown.gate("-o", "json=-", SYSTEM_PULLREQUEST_TARGETBRANCH="refs/heads/trunk")
    assert growth(answer)["base"] == fmas(THIN)


def test_a_main_branch_of_another_name_has_to_be_named(grown: Repository) -> None:
    """Nobody guesses that trunk is what the branch left: growth cannot be told until somebody says it."""
    grown.git("branch", "--move", "main", "trunk")
    assert "git knows no main branch" in grown.gate().said
    assert grown.gate().code == 1
    assert growth(grown.gate("-o", "json=-", "--base", "trunk"))["base"] == fmas(THIN)


def test_a_gate_that_moves_does_not_lose_its_past(grown: Repository) -> None:
    """Config, lock and model in another folder: what they were is not forgotten without a word."""
    (grown.folder / "models").mkdir()
    for name in ("feasible.yaml", "feasible.lock.json", "mlp.onnx"):
        (grown.folder / name).rename(grown.folder / "models" / name)
    answer = grown.gate(below="models")
    assert answer.code == 1
    assert "'feasible.lock.json' was there at" in answer.said


def test_a_path_with_dots_is_the_same_model(grown: Repository) -> None:
    """./mlp.onnx is mlp.onnx, and has its baseline."""
    grown.write({"feasible.yaml": config().replace("path: mlp.onnx", "path: ./mlp.onnx")})
    assert growth(grown.gate("-o", "json=-"))["base"] == fmas(THIN)


def test_a_config_that_nobody_can_read_any_more_may_have_limited_growth(tmp_path: Path) -> None:
    """Where main has a broken feasible.yaml and no lock, the branch's own lock is no baseline."""
    repository = Repository.begin(tmp_path / "broken")
    repository.write({"feasible.yaml": "models: [", "mlp.onnx": model(THIN)})
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "wide")
    repository.write({"feasible.yaml": config(), "mlp.onnx": model(WIDE)})
    repository.gate("--update")
    repository.commit()
    answer = repository.gate()
    assert answer.code == 1
    assert "where growth was limited already" in answer.said


def test_a_local_main_branch_is_enough(grown: Repository) -> None:
    """Without a remote the branch called main, by its name or in full, is where growth is told from."""
    for words in ((), ("--base", "main"), ("--base", "refs/heads/main")):
        assert growth(grown.gate("-o", "json=-", *words))["base"] == fmas(THIN), words
