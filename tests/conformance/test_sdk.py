"""lakeFS' own Python client, once in each group of the API."""

from __future__ import annotations

import secrets

import pytest


@pytest.fixture
def sdk(engine):
    import lakefs_sdk
    from lakefs_sdk.client import LakeFSClient

    configuration = lakefs_sdk.Configuration(
        host=f"{engine.endpoint}/api/v1", username=engine.access_key_id, password=engine.secret_access_key
    )
    return LakeFSClient(configuration)


@pytest.fixture
def repository(sdk, engine):
    import lakefs_sdk

    name = f"test-{secrets.token_hex(8)}"
    made = sdk.repositories_api.create_repository(
        lakefs_sdk.RepositoryCreation(name=name, storage_namespace=f"{engine.namespace_prefix}{name}")
    )
    assert made.id == name
    return name


def test_configuration_and_user(sdk):
    config = sdk.config_api.get_config()
    assert config.storage_config.blockstore_type
    assert sdk.auth_api.get_current_user().user.id
    sdk.health_check_api.health_check()


def test_repositories(sdk, repository):
    assert sdk.repositories_api.get_repository(repository).default_branch == "main"
    assert repository in [each.id for each in sdk.repositories_api.list_repositories(prefix=repository).results]
    sdk.repositories_api.delete_repository(repository)


def test_objects_commits_and_refs(sdk, repository):
    import lakefs_sdk

    stats = sdk.objects_api.upload_object(repository, "main", "a/x", content=b"hello")
    assert (stats.size_bytes, stats.path) == (5, "a/x")
    commit = sdk.commits_api.commit(repository, "main", lakefs_sdk.CommitCreation(message="m", metadata={"k": "v"}))
    assert sdk.commits_api.get_commit(repository, commit.id).metadata == {"k": "v"}
    assert sdk.objects_api.get_object(repository, "main", "a/x") == b"hello"
    assert sdk.objects_api.get_object(repository, commit.id, "a/x", range="bytes=1-2") == b"el"
    assert sdk.objects_api.stat_object(repository, "main", "a/x").checksum == stats.checksum
    assert [each.path for each in sdk.objects_api.list_objects(repository, "main", delimiter="/").results] == ["a/"]
    assert [each.id for each in sdk.refs_api.log_commits(repository, "main", objects=["a/x"]).results] == [commit.id]
    sdk.objects_api.copy_object(repository, "main", "b", lakefs_sdk.ObjectCopyCreation(src_path="a/x"))
    sdk.objects_api.delete_objects(repository, "main", lakefs_sdk.PathList(paths=["a/x"]))
    sdk.objects_api.delete_object(repository, "main", "b")
    assert [each.type for each in sdk.branches_api.diff_branch(repository, "main").results] == ["removed"]


def test_branches_tags_and_merge(sdk, repository):
    import lakefs_sdk

    sdk.branches_api.create_branch(repository, lakefs_sdk.BranchCreation(name="work", source="main"))
    sdk.objects_api.upload_object(repository, "work", "w", content=b"w")
    sdk.commits_api.commit(repository, "work", lakefs_sdk.CommitCreation(message="w"))
    diff = sdk.refs_api.diff_refs(repository, "main", "work")
    assert [(each.type, each.path) for each in diff.results] == [("added", "w")]
    merged = sdk.refs_api.merge_into_branch(
        repository, "work", "main", merge=lakefs_sdk.Merge(message="mm", squash_merge=False)
    )
    tag = sdk.tags_api.create_tag(repository, lakefs_sdk.TagCreation(id="v1", ref="main"))
    assert tag.commit_id == merged.reference
    assert [each.id for each in sdk.tags_api.list_tags(repository).results] == ["v1"]
    assert [each.id for each in sdk.branches_api.list_branches(repository).results] == ["main", "work"]
    sdk.tags_api.delete_tag(repository, "v1")
    sdk.branches_api.delete_branch(repository, "work")


def test_settings_and_staging(sdk, repository):
    import lakefs_sdk

    rules = [lakefs_sdk.BranchProtectionRule(pattern="pin-*")]
    sdk.repositories_api.set_branch_protection_rules(repository, rules)
    assert [each.pattern for each in sdk.repositories_api.get_branch_protection_rules(repository)] == ["pin-*"]
    assert sdk.staging_api.get_physical_address(repository, "main", "l").physical_address


def test_errors_are_the_sdk_s_own(sdk, repository):
    from lakefs_sdk.exceptions import NotFoundException

    with pytest.raises(NotFoundException) as caught:
        sdk.branches_api.get_branch(repository, "nope")
    assert "branch not found" in caught.value.body
