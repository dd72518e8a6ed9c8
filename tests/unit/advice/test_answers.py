import pytest

from lakefs_repro.advice.answers import parse_answers, shown
from lakefs_repro.advice.questions import QUESTIONS
from lakefs_repro.errors import InvalidError


def test_defaults_are_answers_and_said_to_be_assumed():
    answers = parse_answers({})
    assert answers.assumed == tuple(question.field for question in QUESTIONS)
    assert answers.compliance == ("none",)


def test_what_was_answered_is_not_assumed():
    answers = parse_answers({"storage": "S3", "tools": "airflow, git"})
    assert "storage" not in answers.assumed
    assert answers.storage == "s3"
    assert answers.tools == ("git", "airflow")  # the order of typing makes no difference


@pytest.mark.parametrize(
    ("field", "text"),
    [("storage", "tape"), ("storage", "s3,gcs"), ("storage", ""), ("writers", "spark,ghosts"), ("compliance", "none,gdpr"),
     ("volume", "lots"), ("people", "0"), ("keep", "always")],
)  # fmt: skip
def test_a_wrong_answer_names_its_flag_and_what_to_write(field, text):
    with pytest.raises(InvalidError) as caught:
        parse_answers({field: text})
    assert caught.value.kind == "bad-answer"
    assert caught.value.message.startswith(f"--{field}: ")
    assert caught.value.hint


def test_answers_are_shown_in_words():
    answers = parse_answers({"storage": "onprem-s3", "volume": "2TB", "keep": "7y", "compliance": "audit,gdpr"})
    assert "MinIO" in shown(answers, "storage")
    assert shown(answers, "volume") == "2 TB"
    assert shown(answers, "keep") == "7 years"
    assert "erased" in shown(answers, "compliance")


def test_every_question_says_why_and_every_choice_what_it_means():
    for question in QUESTIONS:
        assert question.text.endswith("?")
        assert question.why.endswith(".")
        assert all(meaning for _, meaning in question.choices)
        assert bool(question.choices) == (question.kind in {"one", "several"})
