"""Actions with one Lua hook, and what came of them."""

from __future__ import annotations

SHOW = """\
local function shown(v)
  if type(v) ~= "table" then return tostring(v) end
  local keys, parts = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(keys) do parts[#parts + 1] = tostring(k) .. "=" .. shown(v[k]) end
  return "{" .. table.concat(parts, " ") .. "}"
end
local function tell(...)
  local got = table.pack(...)
  for place = 1, got.n do got[place] = shown(got[place]) end
  print(table.concat(got, " | "))
end
"""


def action(script, *, event="pre-commit", properties="", name="act"):
    lines = "".join(f"        {line}\n" for line in script.split("\n"))
    return (
        f"name: {name}\non:\n  {event}: {{}}\nhooks:\n  - id: one\n    type: lua\n    properties:\n"
        f"{properties}      script: |\n{lines}"
    )


def commit_with(repo, text, **more):
    assert repo.put("_lakefs_actions/a.yaml", text.encode()).status == 201
    return repo.commit("m", **more)


def printed(repo, script, **more):
    """What a script printed that let a commit pass."""
    answer = commit_with(repo, action(script, **more))
    assert answer.status == 201, answer.message
    return output(repo).decode()


def problem(repo, script, **more):
    """What was said of a commit that a script refused: from ``action failed`` on."""
    answer = commit_with(repo, action(script, **more))
    assert answer.status == 412, answer.data
    return answer.message.partition("action failed: ")[2].rstrip("\n")


def output(repo, place=0):
    run = repo.call("GET", "/actions/runs").json["results"][place]
    return repo.call("GET", f"/actions/runs/{run['run_id']}/hooks/0000_0000/output").data
