"""Lua hooks as people write them: five validators that guard a branch."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.luahooks import action, commit_with, output

pytest.importorskip("lupa")

NEEDS_METADATA = """\
local missing = {}
for _, name in ipairs(args.needed) do
  local value = action.commit.metadata[name]
  if value == nil or value == "" then missing[#missing + 1] = name end
end
if #missing > 0 then
  error("the commit does not say: " .. table.concat(missing, ", "), 0)
end
"""

ALLOWED_FORMATS = """\
local lakefs, strings = require("lakefs"), require("strings")
local after, more = "", true
while more do
  local code, page = lakefs.diff_refs(action.repository_id, action.branch_id, action.source_ref, after, args.below)
  if code ~= 200 then error("can't compare: " .. tostring(code)) end
  for _, change in ipairs(page.results) do
    local fits = change.type == "removed"
    for _, ending in ipairs(args.endings) do
      fits = fits or strings.has_suffix(change.path, ending)
    end
    if not fits then require("hook").fail(change.path .. " has a format that is not allowed") end
  end
  more, after = page.pagination.has_more, page.pagination.next_offset
end
"""

NO_SUCH_COLUMNS = """\
local lakefs, parquet = require("lakefs"), require("encoding/parquet")
local strings, regexp = require("strings"), require("regexp")
local _, page = lakefs.diff_refs(action.repository_id, action.branch_id, action.source_ref)
for _, change in ipairs(page.results) do
  if change.type ~= "removed" and strings.has_suffix(change.path, ".parquet") then
    local code, content = lakefs.get_object(action.repository_id, action.source_ref, change.path)
    if code ~= 200 then error("can't read " .. change.path) end
    for _, column in ipairs(parquet.get_schema(content)) do
      for _, pattern in ipairs(args.forbidden) do
        if regexp.match(pattern, column.name) then
          error(change.path .. ": the column " .. column.name .. " must not be there", 0)
        end
      end
    end
  end
end
"""

DESCRIBED = """\
local lakefs, path, json = require("lakefs"), require("path"), require("encoding/json")
local _, page = lakefs.diff_branch(action.repository_id, action.branch_id, "", 1000, "tables/")
for _, change in ipairs(page.results) do
  local place = path.parse(change.path)
  if change.type == "added" and place.base_name ~= "about.json" then
    local code, said = lakefs.get_object(action.repository_id, action.branch_id, place.parent .. "about.json")
    if code == 404 then error("no about.json beside " .. change.path, 0) end
    local about = json.unmarshal(said)
    for _, field in ipairs({"owner", "what"}) do
      if not about[field] then error(place.parent .. "about.json does not say " .. field, 0) end
    end
  end
end
"""

LOGGER = """\
local function line(name, value) print(name .. ": " .. tostring(value)) end
line("event", action.event_type)
line("hook", action.action_name .. "/" .. action.hook_id)
line("branch", action.branch_id)
line("message", action.commit.message)
line("parents", #action.commit.parents)
"""


def guard_merges(repo, script, args):
    commit_with(repo, action(script, event="pre-merge", properties=f"      args: {args}\n"))
    assert repo.branch("dev").status == 201


def merge(repo, files):
    repo.committed(files, branch="dev")
    return repo.merge("dev")


def refused(answer, said):
    return answer.status == 412 and said in answer.message


def test_commit_says_what_it_must(repo):
    text = action(NEEDS_METADATA, properties="      args: {needed: [ticket, owner]}\n")
    assert refused(
        commit_with(repo, text, metadata={"owner": "me"}), "runtime error: the commit does not say: ticket\n"
    )
    assert repo.commit("m", metadata={"owner": "me", "ticket": "7"}).status == 201


def test_only_allowed_formats_are_merged(repo):
    guard_merges(repo, ALLOWED_FORMATS, "{below: data/, endings: [.parquet, .csv]}")
    assert merge(repo, {"data/a.csv": b"1", "other.bin": b"1"}).status == 200
    assert refused(merge(repo, {"data/b.xls": b"1"}), "action failed: data/b.xls has a format that is not allowed")
    assert merge(repo, {"data/b.xls": None, "data/b.parquet": b"1"}).status == 200


def test_columns_that_must_not_be_there(repo):
    def table(*names):
        data = io.BytesIO()
        pq.write_table(pa.table({name: [1] for name in names}), data)
        return data.getvalue()

    guard_merges(repo, NO_SUCH_COLUMNS, "{forbidden: ['^user_', 'email$']}")
    assert merge(repo, {"a.parquet": table("id", "value")}).status == 200
    assert refused(merge(repo, {"b.parquet": table("id", "user_name")}), "b.parquet: the column user_name must not")
    assert merge(repo, {"b.parquet": table("id")}).status == 200


def test_tables_are_described(repo):
    repo.put("tables/t/part", b"1")
    assert refused(commit_with(repo, action(DESCRIBED)), "no about.json beside tables/t/part")
    repo.put("tables/t/about.json", b'{"owner": "me"}')
    assert refused(repo.commit("m"), "tables/t/about.json does not say what")
    repo.put("tables/t/about.json", b'{"owner": "me", "what": "parts"}')
    assert repo.commit("m").status == 201


@pytest.mark.parametrize("event", ["prepare-commit", "pre-commit"])
def test_logger(repo, event):
    assert commit_with(repo, action(LOGGER, event=event, name="note")).status == 201
    parents = 1 if event == "pre-commit" else 0
    assert output(repo).decode() == (f"event: {event}\nhook: note/one\nbranch: main\nmessage: m\nparents: {parents}\n")
