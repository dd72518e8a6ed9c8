"""Teams and what is recommended to them, one by one, with the reasons that must be told."""

from __future__ import annotations

import itertools
import shlex
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.teams import words

from lakefs_repro.advice.answers import parse_answers
from lakefs_repro.advice.approaches import APPROACHES
from lakefs_repro.advice.questions import QUESTIONS
from lakefs_repro.advice.recommend import recommend
from lakefs_repro.advice.rule import VETO


@dataclass(frozen=True)
class Team:
    """``reasons`` must be told for the recommended approach, ``caveats`` against it, ``lacks`` against others."""

    name: str
    answers: str
    approach: str
    reasons: str
    caveats: str = ""
    lacks: str = ""
    fits: bool = True


SPARK = "--data-format parquet --volume 10TB --files 1M --arrival append --writers spark --people 12 --machines 20"
DELTA = "--data-format delta --volume 3TB --writers spark --people 5 --machines 5"
ICEBERG = "--data-format iceberg --volume 3TB --arrival append --writers spark --machines 5"
IMAGES = "--storage s3 --data-format media --files 200k --tools git"
NIGHTLY = "--storage s3 --volume 80GB --arrival append --writers pandas --people 4 --machines 3 --versions 30"
LAPTOP = "--volume 2GB --people 1 --server no --keep 3y"

TEAMS = (
    Team("a student without git", f"{LAPTOP} --tools none", "embedded",
         "embedded-nothing-to-run embedded-no-server embedded-no-dvc", "embedded-backup", "lakefs-no-server dvc-no-git"),
    Team("a student with git", f"{LAPTOP} --tools git", "dvc",
         "dvc-git dvc-no-server dvc-small", "dvc-no-gate dvc-gc", "embedded-backup lakefs-no-server lakefs-small"),
    Team("a student who uses DVC already", f"{LAPTOP} --tools git,dvc", "dvc", "dvc-there dvc-git", "dvc-no-gate"),
    Team("two analysts, a vendor's files on a share",
         "--storage nas --volume 50GB --arrival replace --writers vendors --people 2", "embedded",
         "embedded-vendors embedded-files embedded-bytes", "embedded-nas embedded-backup", "dvc-vendors lakefs-to-run"),
    Team("a clinic that must prove its scans, alone",
         "--storage nas --data-format media --volume 800GB --keep 10y --compliance audit,gdpr --tools none --server no",
         "embedded", "embedded-bytes embedded-no-server", "embedded-audit embedded-erasure embedded-nas", "dvc-audit"),
    Team("a lab with images in a bucket", f"{IMAGES} --volume 200GB --machines 3", "dvc",
         "dvc-media dvc-git dvc-by-hand dvc-machines", "dvc-no-gate", "embedded-machines lakefs-to-run"),
    Team("the lab, grown, with an auditor", f"{IMAGES} --volume 200GB --people 10 --machines 12 --compliance audit",
         "lakefs", "lakefs-audit lakefs-many-people lakefs-machines", "lakefs-to-run lakefs-licence",
         "dvc-audit dvc-many-people"),
    Team("the lab with two million images", f"{IMAGES} --volume 4TB --files 2M --machines 3", "lakefs",
         "lakefs-many-files lakefs-large", lacks="dvc-many-files dvc-large delta-only-tables iceberg-only-tables"),
    Team("a file share and three machines", "--storage nas --volume 300GB --people 5 --machines 3", "dvc",
         "dvc-any-remote dvc-machines dvc-small", lacks="lakefs-no-object-store embedded-machines"),
    Team("a nightly job into a bucket", f"{NIGHTLY} --tools git,airflow", "lakefs",
         "lakefs-object-store lakefs-isolation lakefs-airflow", lacks="dvc-append"),
    Team("a nightly job, and DVC is there", f"{NIGHTLY} --tools git,dvc,airflow", "dvc", "dvc-there", "dvc-append"),
    Team("a nightly job, an hourly version, and DVC is there",
         f"{NIGHTLY} --tools git,dvc --versions 720 --people 9", "lakefs", "lakefs-many-people", lacks="dvc-often"),
    Team("Spark and ten terabytes", f"--storage s3 {SPARK} --tools git,airflow", "lakefs",
         "lakefs-spark lakefs-large lakefs-many-files lakefs-written-by-others", "lakefs-read-once lakefs-from-a-bucket lakefs-to-run",
         "dvc-cluster dvc-large embedded-too-large delta-convert iceberg-convert"),
    Team("Spark, managed only", f"--storage gcs {SPARK} --server managed", "lakefs", "lakefs-managed", "lakefs-licence lakefs-from-another-cloud"),
    Team("Spark, no server", f"--storage s3 {SPARK} --server no", "iceberg", "iceberg-tags iceberg-audit-branch",
         "iceberg-convert", "lakefs-no-server", fits=False),
    Team("a stream into Parquet", "--storage gcs --data-format parquet --volume 5TB --arrival streaming --writers spark "
         "--people 6 --machines 10", "lakefs", "lakefs-streaming lakefs-spark", lacks="dvc-streaming"),
    Team("reports from Delta, a month back", f"--storage azure {DELTA} --arrival update --keep 30d --exactness rows "
         "--reproduce reports", "delta", "delta-there delta-short delta-update delta-rows",
         "delta-vacuum delta-no-gate delta-one-table", "lakefs-delta-conflicts lakefs-to-run dvc-tables"),
    Team("a stream into Delta, a week back", f"--storage s3 {DELTA} --arrival streaming --keep 7d --exactness approximate",
         "delta", "delta-streaming delta-short", "delta-vacuum"),
    Team("models from Delta, 90 days", f"--storage s3 {DELTA} --arrival update --keep 90d --exactness rows", "delta",
         "delta-there delta-rows", "delta-vacuum delta-one-table"),
    Team("models from Delta, 91 days", f"--storage s3 {DELTA} --arrival update --keep 91d --exactness rows", "lakefs",
         "lakefs-over-tables", "lakefs-delta-as-files", "delta-long delta-vacuum"),
    Team("Delta, seven years, an auditor", f"--storage s3 {DELTA} --arrival update --keep 7y --compliance audit", "lakefs",
         "lakefs-audit lakefs-over-tables lakefs-bytes", "lakefs-delta-as-files", "delta-years delta-audit delta-bytes"),
    Team("Delta on one laptop", "--data-format delta --volume 20GB --arrival append --writers table-tools --keep 7d "
         "--exactness rows --people 1 --server no", "delta", "delta-no-server delta-short", lacks="embedded-tables"),
    Team("Delta, two years, no server", "--storage s3 --data-format delta --volume 1TB --arrival append --writers spark "
         "--keep 2y --machines 4 --server no", "delta", "delta-there", "delta-long delta-years",
         "lakefs-no-server dvc-tables", fits=False),
    Team("Delta with personal data, a month", f"--storage s3 {DELTA} --keep 30d --exactness rows --compliance gdpr", "delta",
         "delta-erasure", lacks="lakefs-erasure dvc-erasure"),
    Team("Iceberg, two years", f"--storage s3 {ICEBERG} --keep 2y --exactness rows", "iceberg",
         "iceberg-there iceberg-tags iceberg-years iceberg-rows", "iceberg-expiry iceberg-fast-forward",
         "lakefs-iceberg-paths delta-only-tables dvc-tables"),
    Team("Iceberg, an auditor", f"--storage s3 {ICEBERG} --keep 7y --people 12 --compliance audit", "iceberg",
         "iceberg-tags", "iceberg-tags-go iceberg-bytes", "lakefs-iceberg-paths"),
    Team("Iceberg with personal data", f"--storage gcs {ICEBERG} --arrival update --compliance gdpr --exactness rows",
         "iceberg", "iceberg-update", "iceberg-erasure"),
    Team("tables and images together", "--storage s3 --data-format mixed --volume 2TB --files 500k --arrival append "
         "--writers pandas,vendors --people 8 --machines 6", "lakefs", "lakefs-mixed lakefs-vendors",
         lacks="delta-only-tables iceberg-only-tables"),
    Team("tables and images on one machine", "--data-format mixed --volume 100GB --writers pandas --people 2 --tools none",
         "embedded", "embedded-nothing-to-run embedded-no-dvc", "embedded-backup"),
    Team("vendors deliver to a bucket", "--storage azure --volume 500GB --arrival replace --writers vendors --people 6 "
         "--machines 3 --compliance audit", "lakefs", "lakefs-vendors lakefs-audit", lacks="dvc-vendors dvc-audit"),
    Team("HDFS and Spark", "--storage hdfs --data-format parquet --volume 50TB --arrival append --writers spark "
         "--people 20 --machines 50 --tools none", "iceberg", "iceberg-tags", "iceberg-convert", "lakefs-hdfs", fits=False),
    Team("HDFS, small files, git", "--storage hdfs --volume 100GB --people 4 --machines 4 --tools git", "dvc",
         "dvc-any-remote dvc-git", lacks="lakefs-hdfs"),
    Team("everything at once, no server", "--storage s3 --data-format mixed --volume 50TB --arrival streaming "
         "--writers spark --people 6 --machines 10 --server no", "dvc", "dvc-no-server", "dvc-streaming dvc-very-large",
         "lakefs-no-server", fits=False),
    Team("MinIO in the cellar", "--storage onprem-s3 --data-format parquet --volume 6TB --arrival append "
         "--writers pandas --people 5 --machines 4 --keep 3y", "lakefs", "lakefs-object-store lakefs-large",
         lacks="dvc-large"),
    Team("six terabytes on one machine", "--volume 6TB --files 100k --data-format parquet --arrival append --people 2 "
         "--tools none", "lakefs", "lakefs-large", "lakefs-no-object-store", "embedded-too-large"),
    Team("rows updated by a script", "--volume 30GB --data-format parquet --arrival update --writers pandas --people 2",
         "embedded", "embedded-bytes", lacks="dvc-update lakefs-small"),
    Team("nobody answers", "", "dvc", "dvc-git-names-both dvc-by-hand"),
)  # fmt: skip


def answers_of(text):
    words = shlex.split(text)
    pairs = zip(words[::2], words[1::2], strict=True)
    return parse_answers({flag[2:].replace("-", "_"): word for flag, word in pairs})


@pytest.mark.parametrize("team", TEAMS, ids=lambda team: team.name)
def test_a_team_is_told_what_fits_and_why(team):
    advice = recommend(answers_of(team.answers))
    best = advice.best
    assert best.approach.name == team.approach
    assert best.fits is team.fits
    assert set(team.reasons.split()) <= {rule.id for rule in best.good}
    assert set(team.caveats.split()) <= {rule.id for rule in best.lacks}
    assert set(team.lacks.split()) <= {rule.id for verdict in advice.others for rule in verdict.lacks}


def test_there_are_enough_teams_and_each_approach_wins_some():
    assert len(TEAMS) >= 25
    assert {team.approach for team in TEAMS} == {approach.name for approach in APPROACHES}


def check(answers):
    advice = recommend(answers)
    named = [advice.best.approach.name, *(verdict.approach.name for verdict in advice.others)]
    assert sorted(named) == sorted(approach.name for approach in APPROACHES)
    assert len(advice.best.good) >= 2, "a recommendation without two reasons"
    assert all(advice.best.score >= verdict.score for verdict in advice.others)
    for verdict in (advice.best, *advice.others):
        assert verdict.possible == all(rule.weight > VETO for rule in verdict.lacks)
        assert all(rule.weight > 0 for rule in verdict.good)
        assert all(rule.weight < 0 for rule in verdict.lacks)
    assert recommend(answers) == advice


@settings(max_examples=1000)
@given(st.fixed_dictionaries({question.field: words(question) for question in QUESTIONS}))
def test_any_answers_get_one_recommendation_with_reasons(typed):
    check(parse_answers(typed))


def test_all_combinations_of_what_decides_most():
    varied = ("storage", "arrival", "data_format", "exactness", "server")
    choices = [[word for word, _ in q.choices] for field in varied for q in QUESTIONS if q.field == field]
    for picked in itertools.product(*choices):
        for machines, volume, tools in (("1", "5GB", "none"), ("6", "30TB", "git")):
            typed = dict(zip(varied, picked, strict=True))
            check(parse_answers({**typed, "machines": machines, "volume": volume, "tools": tools}))


def test_a_tie_goes_to_what_leaves_less_to_run():
    advice = recommend(answers_of(""), rules=())
    assert advice.best.approach.name == APPROACHES[0].name
    assert advice.best.fits is False


def test_a_close_call_is_said():
    assert recommend(answers_of(f"{LAPTOP} --tools git")).close.approach.name == "embedded"
    assert recommend(answers_of(f"--storage s3 {SPARK}")).close is None


def test_what_rules_an_approach_out_is_told_first():
    verdict = recommend(answers_of(f"--storage s3 {SPARK} --server no")).verdict("lakefs")
    assert not verdict.possible
    assert verdict.lacks[0].id == "lakefs-no-server"
    assert verdict.otherwise > 0
