"""What a data engineer would ask before recommending anything: one table for prompts, flags and plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["BY_FIELD", "QUESTIONS", "Question"]

Kind = Literal["one", "several", "size", "count", "days"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the answers that it takes.

    Attributes:
        field: the attribute of ``Answers``; the flag is ``--field`` with ``-`` for ``_``.
        text: as it is asked.
        why: what the answer decides; shown on ``?``.
        default: what is assumed when nobody answers, as it would be typed.
        choices: the words that it takes and what each means; empty for amounts.
    """

    field: str
    kind: Kind
    text: str
    why: str
    default: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return "--" + self.field.replace("_", "-")


QUESTIONS: Final = (
    Question(
        "storage", "one", "Where does the data lie today?",
        "Versions are cheapest where the data already is, and not every approach reaches every storage.",
        "local",
        (
            ("local", "a disk of one machine"),
            ("nas", "a network file system"),
            ("s3", "Amazon S3"),
            ("gcs", "Google Cloud Storage"),
            ("azure", "Azure Blob Storage"),
            ("onprem-s3", "an S3-compatible store of your own: MinIO, Ceph"),
            ("hdfs", "Hadoop HDFS"),
        ),
    ),
    Question(
        "volume", "size", "How much is it now?",
        "What fits on a disk can be copied and hashed at will; terabytes have to be versioned where they lie.",
        "10GB",
    ),
    Question(
        "growth", "size", "How much is added in a month?",
        "It is the part of the storage bill that no deduplication takes away.",
        "1GB",
    ),
    Question(
        "files", "count", "In how many files or objects?",
        "Each is hashed, listed and requested: a million small files cost more than their bytes do.",
        "1000",
    ),
    Question(
        "arrival", "one", "How does new data arrive?",
        "It decides how much of a version is new, and whether a state can be named at all while others write.",
        "by-hand",
        (
            ("by-hand", "somebody adds or replaces files"),
            ("append", "a job adds files, say every night"),
            ("streaming", "micro-batches or a stream, all the time"),
            ("replace", "each delivery replaces everything"),
            ("update", "rows are updated or deleted in place (CDC, MERGE)"),
        ),
    ),
    Question(
        "versions", "count", "How many states a month must have a name?",
        "Every named state has to be kept and paid for; the states between may go.",
        "4",
    ),
    Question(
        "writers", "several", "Who writes it?",
        "Whoever writes straight to the place that others read can break a training run; more kinds of writers, "
        "more isolation.",
        "people",
        (
            ("people", "people, with files"),
            ("pandas", "Python scripts: pandas, Polars, DuckDB"),
            ("spark", "Spark or another cluster"),
            ("table-tools", "deltalake, dbt, a query engine"),
            ("vendors", "other companies deliver it"),
        ),
    ),
    Question(
        "data_format", "one", "In which format?",
        "Table formats keep versions by themselves, and anything that rewrites their files behind their back breaks "
        "them.",
        "csv",
        (
            ("csv", "CSV files"),
            ("jsonl", "JSON Lines"),
            ("parquet", "Parquet files, without a table format"),
            ("delta", "Delta Lake tables"),
            ("iceberg", "Apache Iceberg tables"),
            ("media", "images, audio, video, documents"),
            ("mixed", "several of these together"),
        ),
    ),
    Question(
        "reproduce", "several", "What must be reproducible?",
        "A model needs its data, code, parameters and environment named together; a table alone needs less.",
        "models",
        (
            ("datasets", "the data itself"),
            ("models", "models trained on it"),
            ("reports", "reports and figures made from it"),
        ),
    ),
    Question(
        "exactness", "one", "How exactly?",
        "The same bytes can be proved by a digest. The same rows may lie in other files, in another order.",
        "bytes",
        (
            ("bytes", "the same bytes, provably"),
            ("rows", "the same rows, in whatever files"),
            ("approximate", "about the same will do"),
        ),
    ),
    Question(
        "keep", "days", "For how long must a version be kept?",
        "Each approach forgets by a rule of its own, and some forget after a week unless told otherwise.",
        "1y",
    ),
    Question(
        "people", "count", "How many people work with it?",
        "Two people can agree on a habit; twenty need a gate.",
        "3",
    ),
    Question(
        "machines", "count", "On how many machines is it written or read?",
        "One machine needs no server. Two already need something that both can reach.",
        "1",
    ),
    Question(
        "compliance", "several", "Which rules bind you?",
        "Keeping for ever and erasing on request pull in opposite directions; the plan has to say how both are done.",
        "none",
        (
            ("none", "none in particular"),
            ("gdpr", "personal data that must be erased on request"),
            ("audit", "an audit trail, or keeping by law"),
        ),
    ),
    Question(
        "tools", "several", "Which of these do you use?",
        "What is already there and understood is worth more than what is new.",
        "git",
        (
            ("none", "none of them"),
            ("git", "git"),
            ("dvc", "DVC"),
            ("mlflow", "MLflow"),
            ("airflow", "Airflow"),
        ),
    ),
    Question(
        "ci", "one", "Which CI system runs your checks?",
        "A version that nobody checks is a hope. The plan brings a job that checks it.",
        "github",
        (
            ("github", "GitHub Actions"),
            ("gitlab", "GitLab CI"),
            ("other", "another: you get a shell script"),
            ("none", "none"),
        ),
    ),
    Question(
        "server", "one", "May a server be run for this?",
        "lakeFS is a server with a database beside it. Somebody has to run it, or be paid to.",
        "yes",
        (
            ("yes", "yes, we can run one"),
            ("managed", "only as a managed service"),
            ("no", "no"),
        ),
    ),
)  # fmt: skip

BY_FIELD: Final = {question.field: question for question in QUESTIONS}
