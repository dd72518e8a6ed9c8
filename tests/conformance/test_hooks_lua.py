"""Lua hooks: what scripts find, what the packages do, what a refusal says. As measured on lakeFS."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.luahooks import SHOW, action, commit_with, output, printed, problem

pytest.importorskip("lupa")

# Each line of Lua is one print; beside it what it shows.
PACKAGES = {
    "regexp": [
        ('r.match("a+", "baab"), r.match("^a$", "b")', "true | false"),
        ('r.match("a$", "a\\n"), r.match("(?i)AB", "xab")', "false | true"),
        (
            'r.match("^[[:alpha:]]+$", "ab"), r.match("\\\\Qa.b\\\\E", "a.b"), r.match("\\\\d", "\u0663")',
            "true | true | false",
        ),
        ('r.quote_meta("a-b{}[]()^$|?+\\\\/ #.")', r"a-b\{\}\[\]\(\)\^\$\|\?\+\\/ #\."),
        ('r.compile("(a)(b)?").find("xabxa"), r.compile("(a)(b)?").find("z")', "ab | "),
        ('r.compile("(a)(b)?").find_submatch("xab"), r.compile("z").find_submatch("x")', "{1=ab 2=a 3=b} | {}"),
        ('r.compile("(a)(b)?").find_all("xabxa", -1), r.compile("a").find_all("aaa", 2)', "{1=ab 2=a} | {1=a 2=a}"),
        ('r.compile("(a)(b)?").find_all_submatch("xabxa", -1)', "{1={1=ab 2=a 3=b} 2={1=a 2=a 3=}}"),
        (
            'r.match("(?i)x|ab", "AB"), r.match("^(?:(?i)x|ab)$", "AB"), r.match("((?i)x)|ab", "AB")',
            "true | true | false",
        ),
        ('pcall(r.match, "(", "b")', "false | error parsing regexp: missing closing ): `(`"),
        ('pcall(r.compile, "(?=a)")', "false | error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
        ('pcall(r.match, "\\\\1", "a")', r"false | error parsing regexp: invalid escape sequence: `\1`"),
        ('pcall(r.match, "a**", "a")', "false | error parsing regexp: invalid nested repetition operator: `**`"),
        ('pcall(r.match, "[z-a]", "a")', "false | error parsing regexp: invalid character class range: `z-a`"),
        ('pcall(r.match, "*", "a")', "false | error parsing regexp: missing argument to repetition operator: `*`"),
        ('pcall(r.match, "[a", "a")', "false | error parsing regexp: missing closing ]: `[a`"),
        ('pcall(r.match, "a)", "a")', "false | error parsing regexp: unexpected ): `a)`"),
        ('pcall(r.match, "ab{2,1}", "a")', "false | error parsing regexp: invalid repeat count: `{2,1}`"),
        ('pcall(r.compile("a").find_all, "a")', "false | bad argument #2 to '?' (number expected, got no value)"),
    ],
    "strings": [
        ('r.split("a/b/c", "/"), r.split("", "/"), r.split("abc", "")', "{1=a 2=b 3=c} | {1=} | {1=a 2=b 3=c}"),
        ('r.trim("\\n a b\\t ")', "a b"),
        (
            'r.replace("aaa", "a", "b", 2), r.replace("aaa", "a", "b", -1), r.replace("abc", "", "-", 2)',
            "bba | bbb | -a-bc",
        ),
        ('r.has_prefix("abc", "a"), r.has_suffix("abc", "c"), r.contains("abc", "x")', "true | true | false"),
        ('pcall(r.replace, "aaa", "a", "b")', "false | bad argument #4 to '?' (number expected, got no value)"),
        ('pcall(r.split, "a")', "false | bad argument #2 to '?' (string expected, got no value)"),
    ],
    "encoding/base64": [
        ('r.encode("a?>b"), r.decode("YT8+Yg=="), r.decode("YT8+\\nYg==")', "YT8+Yg== | a?>b | a?>b"),
        ('r.url_encode("a?>b"), r.url_decode("YT8-Yg")', "YT8-Yg | a?>b"),
        ('r.encode("\\0\\255\\200")', "AP/I"),
        ('pcall(r.decode, "%")', "false | illegal base64 data at input byte 0"),
        ('pcall(r.decode, "YT8+Yg")', "false | illegal base64 data at input byte 4"),
        ('pcall(r.url_decode, "YT8-Yg==")', "false | illegal base64 data at input byte 6"),
    ],
    "encoding/hex": [
        ('r.encode("\\0\\255"), r.decode("6162")', "00ff | ab"),
        ('pcall(r.decode, "6")', "false | encoding/hex: odd length hex string"),
        ('pcall(r.decode, "zz")', "false | encoding/hex: invalid byte: U+007A 'z'"),
    ],
    "crypto/sha256": [
        (
            'require("encoding/hex").encode(r.digest("x"))',
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        ),
    ],
    "crypto/hmac": [
        ('require("encoding/hex").encode(r.sign_sha1("key", "msg"))', "62d6027e661f9b22ea1bb6f43112933d215fff4b"),
        (
            'require("encoding/hex").encode(r.sign_sha256("key", "msg"))',
            "108c2ab4adc527ea7478e97310776218e674dfb2bb67ae6954ce684f7e3a1c45",
        ),
        ('pcall(r.sign_sha256, "k")', "false | bad argument #2 to '?' (string expected, got no value)"),
    ],
    "encoding/json": [
        ("r.marshal({a = {b = 1.5}})", '{"a":{"b":1.5}}\n'),
        ('r.marshal({a = "<&>\u00e9"})', '{"a":"\\u003c\\u0026\\u003e\u00e9"}\n'),
        ("r.marshal({}), r.marshal({a = {}})", '{}\n | {"a":{}}\n'),
        ('r.marshal({a = 2}, {prefix = ">", indent = "  "})', '{\n>  "a": 2\n>}\n'),
        ('r.unmarshal(\'{"a":[1,2,{"b":null}],"c":1.5,"d":false}\')', "{a={1=1 2=2 3={}} c=1.5 d=false}"),
        ("r.unmarshal('\"x\"'), r.unmarshal('null')", "x | nil"),
        ('pcall(r.unmarshal, "{")', "false | unexpected end of JSON input"),
        ("pcall(r.unmarshal, '{}x')", "false | invalid character 'x' after top-level value"),
    ],
    "encoding/yaml": [
        ('r.unmarshal("a: 1\\nb: [x, 2, true]\\nc: yes\\n1: y")', "{1=y a=1 b={1=x 2=2 3=true} c=yes}"),
        ('r.unmarshal("a: null"), r.unmarshal("x")', "{} | x"),
        ('r.marshal({a = "x"}), r.marshal({a = {b = "true"}})', 'a: x\n | a:\n    b: "true"\n'),
        ('(pcall(r.unmarshal, "a: ["))', "false"),
    ],
    "path": [
        ('r.parse("a/b/c.txt"), r.parse("a/")', "{base_name=c.txt parent=a/b/} | {base_name=a parent=}"),
        (
            'r.parse("a|b", "|"), r.parse(""), r.parse("/a/b/")',
            "{base_name=b parent=a|} | {base_name= parent=} | {base_name=b parent=/a/}",
        ),
        (
            'r.join("/", "a", "b/", "/c"), r.join("/", "", "x"), r.join("/", "a", "..", "b"), r.join("|", "a", "b|")',
            "a/b/c | /x | a/../b | a|b|",
        ),
        ('r.join("/"), r.join("/", "/a/", "b"), r.default_separator()', " | /a/b | /"),
        (
            'r.is_hidden("a/_b/c"), r.is_hidden("a/b"), r.is_hidden(".a"), r.is_hidden("a/.b", "/", ".")',
            "true | false | false | true",
        ),
        ('r.extract_dir_name("a/b/c"), r.extract_dir_name("a"), r.extract_dir_name("a/b/")', "a/b | . | a/b"),
    ],
    "time": [
        ('r.format(0, "2006-01-02", "UTC"), r.format_iso(1000000000, "UTC")', "1970-01-01 | 1970-01-01T00:00:01+00:00"),
        ('r.format(1588748889123456789, "Mon Jan _2 15:04:05.000 2006", "UTC")', "Wed May  6 07:08:09.000 2020"),
        (
            'r.format(1588748889000000000, "Monday, 02-Jan-06 3:04PM MST", "America/New_York")',
            "Wednesday, 06-May-20 3:08AM EDT",
        ),
        ('r.format(1588748889000000000, "2006-01-02T15:04:05Z07:00", "Europe/Berlin")', "2020-05-06T09:08:09+02:00"),
        (
            'r.parse("2006-01-02", "2020-05-06"), r.parse_iso("2020-05-06T07:08:09+02:00")',
            "1.5887232e+18 | 1.588741689e+18",
        ),
        ('r.parse("2006-01-02T15:04:05Z07:00", "2020-05-06T07:08:09Z")', "1.588748889e+18"),
        ('r.parse("02 Jan 06 15:04 MST", "03 Feb 21 10:11 UTC")', "1.61234706e+18"),
        (
            "r.add(0, {hour = 1, minute = 2, second = 3, day = 1, month = 1}), r.add(10, {second = -1})",
            "3723000000000 | -999999990",
        ),
        ("type(r.now()), r.since(r.now()) < 1e12, r.sleep(1)", "number | true | 1"),
        ('pcall(r.parse, "2006-01-02", "x")', 'false | parsing time "x" as "2006-01-02": cannot parse "x" as "2006"'),
        ('pcall(r.parse, "2006-01-02", "2020-13-06")', 'false | parsing time "2020-13-06": month out of range'),
        ('pcall(r.parse, "2006-01-02", "2020-05-06x")', 'false | parsing time "2020-05-06x": extra text: "x"'),
        ('pcall(r.format, 0, "2006", "Nope/Zone")', "false | unknown time zone Nope/Zone"),
    ],
    "uuid": [("#r.new(), r.new() ~= r.new()", "36 | true")],
    "net/url": [
        ('r.parse("http://u:p@h:1/p/q?x=1&y=2#f")', "{fragment=f host=h:1 path=/p/q query=x=1&y=2 scheme=http}"),
        ('r.path_escape("a b/c?"), r.query_unescape("a+b%20c")', "a%20b%2Fc%3F | a b c"),
        (
            'r.build_url("https", "h", "/p", "a=1"), r.build_url("https", "h", "/p x"), r.build_url("https", "h")',
            "https://h/p?a=1 | https://h/p%20x | https://h",
        ),
        ('pcall(r.query_unescape, "%zz")', 'false | invalid URL escape "%zz"'),
        ('pcall(r.parse, ":bad")', 'false | parse ":bad": missing protocol scheme'),
    ],
}


@pytest.mark.parametrize("package", PACKAGES)
def test_package(repo, package):
    lines = [f"tell({said})" for said, _ in PACKAGES[package]]
    script = "\n".join([SHOW, f'local r = require("{package}")', *lines])
    assert printed(repo, script) == "".join(f"{shown}\n" for _, shown in PACKAGES[package])


def test_lakefs_reads_what_is_to_be_committed(repo):
    repo.put("d/x.txt", b"hel\x00\xfflo")
    script = (
        SHOW
        + """
local l = require("lakefs")
local id = action.repository_id
local code, content = l.get_object(id, "main", "d/x.txt")
tell(code, #content, content:byte(4, 5))
tell(l.get_object(id, "main", "nope"))
tell(l.get_object("nope", "main", "x"))
local stat_code, stat = l.stat_object(id, "main", "d/x.txt")
local told = require("encoding/json").unmarshal(stat)
tell(stat_code, type(stat), told.path, told.size_bytes, told.checksum)
tell(l.stat_object(id, "main", "nope"))
local _, page = l.list_objects(id, "main", "", "d/", "", 1)
tell(page.pagination, page.results[1].path, page.results[1].size_bytes, #page.results)
local _, changes = l.diff_branch(id, "main", "", 1)
tell(changes.pagination.has_more, changes.pagination.next_offset, changes.results[1].type, changes.results[1].path)
local _, none = l.diff_refs(id, "main", "main")
tell(none.pagination.results, #none.results)"""
    )
    checksum = repo.stat("d/x.txt").json["checksum"]
    assert printed(repo, script) == (
        "200 | 7 | 0 | 255\n"
        '404 | {"message":"not found"}\n\n'
        '404 | {"message":"repository not found"}\n\n'
        f"200 | string | d/x.txt | 7 | {checksum}\n"
        '404 | {"message":"not found"}\n\n'
        "{has_more=false max_per_page=1000 next_offset= results=1} | d/x.txt | 7 | 1\n"
        "true | _lakefs_actions/a.yaml | added | _lakefs_actions/a.yaml\n"
        "0 | 0\n"
    )


def test_lakefs_writes_tags_and_metadata(repo):
    repo.put("x", b"1")
    script = (
        SHOW
        + """
local l = require("lakefs")
local id = action.repository_id
tell(l.update_object_user_metadata(id, "main", "x", {k = "v"}))
local code, tag = l.create_tag(id, "main", "t1")
tell(code, tag.id, #tag.commit_id)
tell(l.create_tag(id, "main", "t1"))"""
    )
    assert printed(repo, script) == "204\n201 | t1 | 64\n409 | {message=tag already exists: not unique}\n"
    assert repo.stat("x").json["metadata"] == {"k": "v"}
    assert repo.call("GET", "/tags/t1").status == 200


def test_parquet_schema(repo):
    data = io.BytesIO()
    columns = {
        "a": pa.array([1], pa.int64()),
        "b": ["x"],
        "l": [[1]],
        "s": [{"q": 1}],
        "f": pa.array([1.0], pa.float32()),
        "d": [True],
        "t": pa.array([0], pa.timestamp("ms")),
        "n": pa.array([1], pa.decimal128(9, 2)),
    }
    pq.write_table(pa.table(columns), data)
    repo.put("t.parquet", data.getvalue())
    script = """local _, content = require("lakefs").get_object(action.repository_id, "main", "t.parquet")
local shown = {}
for _, column in ipairs(require("encoding/parquet").get_schema(content)) do
  shown[#shown + 1] = column.name .. ":" .. column.type
end
print(table.concat(shown, " "))
print((pcall(require("encoding/parquet").get_schema, "xx")))"""
    assert printed(repo, script) == (
        "a:INT64 b:BYTE_ARRAY l:N/A list:N/A element:INT64 s:N/A q:INT64 f:FLOAT d:BOOLEAN t:INT64 "
        "n:FIXED_LEN_BYTE_ARRAY\nfalse\n"
    )


def test_print_is_tostring_with_tabs(repo):
    assert printed(repo, 'print("a", 1, nil, true, 1.5)\nprint()\nprint(1e15, 2^53)') == (
        "a\t1\tnil\ttrue\t1.5\n\n1e+15\t9.007199254741e+15\n"
    )


TRACE = '\nstack traceback:\n\t[Go]: in ?\n\t[string "lua"]:1: in main chunk'


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('require("hook").fail("my message")', "my message"),
        ('error("nope")', 'runtime error: [string "lua"]:1: nope' + TRACE),
        ('error("nope", 0)', "runtime error: nope" + TRACE),
        ("error(42)", 'runtime error: [string "lua"]:1: 42' + TRACE),
        ("error()", "runtime error: " + TRACE[1:]),
        (
            "error({code = 1})",
            "runtime error: [string \"lua\"]:1: bad argument #-1 to '?' (string expected, got table)" + TRACE,
        ),
        ('assert(false, "was false")', 'runtime error: [string "lua"]:1: was false' + TRACE),
        ("assert(false)", 'runtime error: [string "lua"]:1: assertion failed!' + TRACE),
        (
            'require("regexp").compile("(")',
            'runtime error: [string "lua"]:1: error parsing regexp: missing closing ): `(`' + TRACE,
        ),
        (
            'require("lakefs").get_object("a")',
            "runtime error: [string \"lua\"]:1: bad argument #2 to '?' (string expected, got no value)" + TRACE,
        ),
        ("x = = 1", 'syntax error: [string "lua"]:1: unexpected symbol near ='),
        ("if", 'syntax error: [string "lua"]:2: unexpected symbol near <eof>'),
        (
            "local x = nil + 1",
            'runtime error: [string "lua"]:1: attempt to perform arithmetic on a nil value'
            + TRACE.replace("\t[Go]: in ?\n", ""),
        ),
    ],
)
def test_refusal(repo, script, said):
    assert problem(repo, script) == said
    assert output(repo).decode() == f"Error: action failed: {said}\n"


def test_output_stays_with_a_refusal(repo):
    problem(repo, 'print("before")\nrequire("hook").fail("no")')
    assert output(repo) == b"before\nError: action failed: no\n"


@pytest.mark.parametrize("script", ["return false", 'return nil, "bad"', 'pcall(require("hook").fail, "caught")'])
def test_what_is_no_refusal(repo, script):
    assert printed(repo, script) == ""


def test_unknown_module(repo):
    said = problem(repo, 'require("nope")')
    assert said.startswith(
        "runtime error: [string \"lua\"]:1: module 'nope' not found: \n\tno field package.preload['nope']?.lua\n"
    )


def test_what_there_is_not(repo):
    script = "print(os, io, dofile, loadfile, coroutine, python, string.gsub, string.match, string.dump)"
    assert printed(repo, script) == "\t".join(["nil"] * 9) + "\n"


def test_what_there_is_beside(repo):
    assert printed(repo, "print(_VERSION, username, load('return 1 + 1')())") == "Lua 5.2\tadmin\t2\n"


@pytest.mark.parametrize(
    ("properties", "status", "said"),
    [
        ("script_path: nope.lua", 412, "action failed: could not load script_path nope.lua: HTTP 404: invalid action"),
        ("script_path: 5", 500, "value of script_path is not of type string: wrong value type"),
        ("script: 5", 500, "value of script is not of type string: wrong value type"),
        ("script: ''", 500, "'script' or 'script_path' must be supplied: wrong value type"),
        ("script: 'x = 1'\n      args: 5", 500, "'args' should be a map: wrong value type"),
        (
            "script: 'x = 1'\n      args: {a: '{{ ENV.LAKEFSACTION_NOT_THERE }}'}",
            500,
            "error parsing args: LAKEFSACTION_NOT_THERE not found: missing env var",
        ),
    ],
)
def test_properties_that_are_of_no_use(repo, properties, status, said):
    text = f"name: act\non: {{pre-commit: {{}}}}\nhooks:\n  - id: one\n    type: lua\n    properties:\n      {properties}\n"
    answer = commit_with(repo, text)
    assert (answer.status, answer.message.rstrip("\n").partition(said)[1:]) == (status, (said, ""))


def test_script_of_the_repository(repo):
    repo.put("scripts/a.lua", b'print("from a file", args.a, args.b[2], args.c.d, args.home)')
    text = (
        "name: act\non: {pre-commit: {}}\nhooks:\n  - id: one\n    type: lua\n    properties:\n"
        "      script_path: scripts/a.lua\n      args: {a: 1, b: [x, 2], c: {d: e}, home: '{{ ENV.HOME }}'}\n"
    )
    assert commit_with(repo, text).status == 201
    assert output(repo) == b"from a file\t1\t2\te\t\n"


def test_action_tells_of_a_commit(repo):
    head = repo.call("GET", "/branches/main").json["commit_id"]
    answer = commit_with(repo, action(SHOW + "tell(action)"), metadata={"k": "v"})
    assert answer.status == 201
    run = repo.call("GET", "/actions/runs").json["results"][0]
    created = output(repo).decode().partition("creation_date=")[2][:20]
    namespace = repo.call("GET", "").json["storage_namespace"]
    assert output(repo).decode() == (
        f"{{action_name=act branch_id=main commit={{creation_date={created} message=m meta_range_id= metadata={{k=v}} "
        f"parents={{1={head}}} version=1}} commit_id= event_type=pre-commit hook_id=one merge_source= pre_run_id= "
        f"repository_id={repo.name} run_id={run['run_id']} source_ref=main storage_namespace={namespace} tag_id=}}\n"
    )


def test_action_tells_of_a_tag(repo):
    commit_with(repo, action(SHOW + "tell(action.tag_id, action.commit, action.commit_id)", event="pre-create-tag"))
    head = repo.call("GET", "/branches/main").json["commit_id"]
    assert repo.tag("v1").status == 201
    assert output(repo).decode() == (
        "v1 | {creation_date=0001-01-01T00:00:00Z message= meta_range_id= metadata={} parents={} version=0} | "
        f"{head}\n"
    )


def test_action_tells_of_a_merge(repo):
    commit_with(
        repo,
        action(
            SHOW + "tell(action.merge_source, action.commit.parents, #action.commit.meta_range_id)", event="pre-merge"
        ),
    )
    repo.branch("dev")
    left = repo.call("GET", "/branches/main").json["commit_id"]
    right = repo.committed({"x": b"1"}, branch="dev")
    assert repo.merge("dev").status == 200
    assert output(repo).decode() == f"dev | {{1={left} 2={right}}} | 64\n"


def test_tag_of_a_script_has_hooks_of_its_own(repo):
    script = """if #action.tag_id < 3 then
  print(require("lakefs").create_tag(action.repository_id, "main", action.tag_id .. "x"))
end"""
    commit_with(repo, action(script, event="pre-create-tag"))
    assert repo.tag("t").status == 201
    assert [each["id"] for each in repo.call("GET", "/tags").json["results"]] == ["t", "tx", "txx"]
    assert len(repo.call("GET", "/actions/runs").json["results"]) == 3
