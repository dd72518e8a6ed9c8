"""Rules on DVC. What is said of its cache, of dvc pull and of dvc gc was tried with DVC 3.67."""

from __future__ import annotations

from typing import Final

from lakefs_repro.advice import sources as s
from lakefs_repro.advice.rule import Rule, at_least, below, is_, not_

__all__ = ["DVC"]

_GB: Final = 10**9
_TB: Final = 10**12

DVC: Final = (
    Rule("dvc-git-names-both", "dvc", 2,
         "A git commit names code and data together: the pointer to the data is a file in git.",
         s.DVC_VERSIONING),
    Rule("dvc-any-remote", "dvc", 1,
         "No server: the data goes to a remote that you have, be it S3, Google Cloud Storage, Azure, HDFS, SSH or a "
         "folder.",
         s.DVC_REMOTES),
    Rule("dvc-no-gate", "dvc", -1,
         "It has no gate: dvc add takes what is there, valid or not, and nothing checks the schema.",
         s.DVC_ADD),
    Rule("dvc-gc", "dvc", -1,
         "Nothing holds a version but habit: dvc gc --cloud deletes from the remote what the scope on its command "
         "line leaves out, irreversibly.",
         s.DVC_GC),
    Rule("dvc-there", "dvc", 4,
         "You use it already; a second system for the same thing must bring a lot to be worth it.",
         s.DVC_VERSIONING, (is_("tools", "dvc"),)),
    Rule("dvc-git", "dvc", 2,
         "You use git, and it works as git does.",
         s.DVC_VERSIONING, (is_("tools", "git"),)),
    Rule("dvc-no-git", "dvc", -5,
         "Its versions are git commits, and you don't use git.",
         s.DVC_VERSIONING, (not_("tools", "git", "dvc"),)),
    Rule("dvc-no-server", "dvc", 2,
         "You may not run a server, and it needs none.",
         s.DVC_REMOTES, (is_("server", "no"),)),
    Rule("dvc-by-hand", "dvc", 2,
         "Files that people add or replace now and then are what it is made for.",
         s.DVC_VERSIONING, (is_("arrival", "by-hand"),)),
    Rule("dvc-append", "dvc", -1,
         "Each night somebody, or a job, has to run dvc add, commit and push; where a file grows, all of it is "
         "stored again.",
         s.DVC_ADD, (is_("arrival", "append"),)),
    Rule("dvc-streaming", "dvc", -6,
         "Data that changes while dvc add hashes it has no state to name.",
         s.DVC_ADD, (is_("arrival", "streaming"),)),
    Rule("dvc-update", "dvc", -2,
         "A changed row makes a new file: the whole file is stored again.",
         s.DVC_ADD, (is_("arrival", "update"),)),
    Rule("dvc-often", "dvc", -2,
         "So many named states a month are so many git commits and pushes.",
         s.DVC_VERSIONING, (at_least("versions", 100),)),
    Rule("dvc-cluster", "dvc", -4,
         "A cluster writes to shared storage directly; there DVC has no branches, and sees the result only when "
         "somebody imports it.",
         s.DVC_EXTERNAL, (is_("writers", "spark"),)),
    Rule("dvc-vendors", "dvc", -2,
         "A vendor's bad delivery is a version like any other: no contract stands before it.",
         s.DVC_ADD, (is_("writers", "vendors"),)),
    Rule("dvc-small", "dvc", 1,
         "It fits into the working copy of everybody who needs it.",
         s.DVC_LARGE, (below("volume", 500 * _GB),)),
    Rule("dvc-large", "dvc", -4,
         "Terabytes pass through each machine's cache and working copy, and through a hash on the way in.",
         s.DVC_LARGE, (at_least("volume", 2 * _TB),)),
    Rule("dvc-very-large", "dvc", -4,
         "Tens of terabytes fit into nobody's working copy.",
         s.DVC_LARGE, (at_least("volume", 20 * _TB),)),
    Rule("dvc-many-files", "dvc", -4,
         "A tracked folder is one list of all its files, which is rewritten and compared whole: a million are slow "
         "at every step.",
         s.DVC_INTERNALS, (at_least("files", 1_000_000),)),
    Rule("dvc-media", "dvc", 2,
         "Images, audio and documents change as whole files, which is the grain at which it stores.",
         s.DVC_VERSIONING, (is_("data_format", "media"),)),
    Rule("dvc-tables", "dvc", -7,
         "A Delta or Iceberg table is its log; DVC sees a folder that everybody changes, and another checkout "
         "breaks it for them.",
         s.DVC_EXTERNAL, (is_("data_format", "delta", "iceberg"),)),
    Rule("dvc-models", "dvc", 1,
         "dvc repro ties a model to the data, code and parameters that made it, in dvc.lock.",
         s.DVC_PIPELINES, (is_("reproduce", "models"),)),
    Rule("dvc-bytes", "dvc", 1,
         "Each file is named by its MD5, so that the same commit brings the same bytes.",
         s.DVC_ADD, (is_("exactness", "bytes"),)),
    Rule("dvc-many-people", "dvc", -2,
         "Whoever may push to the remote may delete from it; for this many people that is thin.",
         s.DVC_GC, (at_least("people", 8),)),
    Rule("dvc-audit", "dvc", -3,
         "Git tells who changed the pointer, but no record survives of what was in the remote, or who deleted it.",
         s.DVC_GC, (is_("compliance", "audit"),)),
    Rule("dvc-erasure", "dvc", -1,
         "Erasing a person means new files, a rewritten git history or a dvc gc, and every machine's cache.",
         s.DVC_GC, (is_("compliance", "gdpr"),)),
    Rule("dvc-machines", "dvc", 1,
         "Several machines share a remote; each pulls the commit that it needs.",
         s.DVC_REMOTES, (at_least("machines", 2),)),
)  # fmt: skip
