-- What a script finds, and nothing else. Host functions are reached through closures of this file only.
local host, emit, functions, absent, given = ...
local error, load, pairs, rawget, select, tostring, type, xpcall =
    error, load, pairs, rawget, select, tostring, type, xpcall
local concat, getinfo, gsub, find = table.concat, debug.getinfo, string.gsub, string.find

local function finish(ok, ...)
  if ok then return ... end
  error((...), 2)
end

local function host_function(name)
  return function(...) return finish(host(name, ...)) end
end

local failure

local function wanted_text(value, number)
  local kind = type(value)
  if kind == "number" then return tostring(value) end
  if kind ~= "string" then
    if value == nil then kind = "no value" end
    error("bad argument #" .. number .. " to '?' (string expected, got " .. kind .. ")", 3)
  end
  return value
end

local special = {
  ["regexp.compile"] = function(pattern)
    local ok, why = host("regexp.check", pattern)
    if not ok then error(why, 2) end
    local compiled = {}
    for _, name in pairs({ "find", "find_all", "find_submatch", "find_all_submatch" }) do
      compiled[name] = function(...) return finish(host("regexp." .. name, pattern, ...)) end
    end
    return compiled
  end,
  ["hook.fail"] = function(why)
    failure = wanted_text(why, 1)
    error(failure, 0)
  end,
}

local loaded, preload = {}, {}

local function package_of(name)
  local made = {}
  for _, each in pairs(functions[name]) do
    local full = name .. "." .. each
    made[each] = special[full] or host_function(full)
  end
  return made
end

function require(name)
  name = wanted_text(name, 1)
  if loaded[name] ~= nil then return loaded[name] end
  if preload[name] then
    local made = preload[name](name)
    if loaded[name] == nil then loaded[name] = made == nil and true or made end
    return loaded[name]
  end
  if absent[name] then
    error("module '" .. name .. "' is not offered by the embedded engine of lakefs-repro", 2)
  end
  if not functions[name] then
    error("module '" .. name .. "' not found: \n\tno field package.preload['" .. name .. "']?.lua", 2)
  end
  loaded[name] = package_of(name)
  return loaded[name]
end

function print(...)
  local shown = {}
  for place = 1, select("#", ...) do shown[place] = tostring((select(place, ...))) end
  emit(concat(shown, "\t") .. "\n")
end

function assert(...)
  local value, why = ...
  if value then return ... end
  if why == nil then why = "assertion failed!" end
  error(wanted_text(why, 2), 2)
end

_G.load = function(chunk, name, _, ...)
  if select("#", ...) > 0 then return load(chunk, name, "t", (...)) end
  return load(chunk, name, "t")  -- never bytecode: a crafted one breaks out of any Lua
end

for _, name in pairs({ "io", "os", "coroutine", "python", "dofile", "loadfile", "loadstring", "module", "debug" }) do
  _G[name] = nil
end
-- lakeFS' Lua has none of these, so that a script that uses them would fail there.
for _, name in pairs({ "dump", "gmatch", "gsub", "match" }) do string[name] = nil end
package = { loaded = loaded, preload = preload, path = "?.lua", config = "/\n;\n?\n!\n-\n" }
action, args, username = given.action, given.args, given.username

local own = getinfo(1, "S").source

local function place_of(info)
  if info.what == "C" or info.source == own then return "[Go]: in ?" end
  local where = info.short_src .. ":" .. info.currentline .. ": in "
  if info.what == "main" then return where .. "main chunk" end
  return where .. "function <" .. info.short_src .. ":" .. info.linedefined .. ">"
end

local function told(problem)
  if failure ~= nil and problem == failure then return failure end
  local kind = type(problem)
  local lines, level, at = {}, 2, ""
  local info = getinfo(level, "Sl")
  while info and #lines < 30 do
    local shown = place_of(info)
    if shown ~= "[Go]: in ?" or lines[#lines] ~= shown then lines[#lines + 1] = shown end
    if at == "" and shown ~= "[Go]: in ?" then at = info.short_src .. ":" .. info.currentline .. ": " end
    if info.what == "main" and info.source ~= own then break end
    level = level + 1
    info = getinfo(level, "Sl")
  end
  if kind ~= "string" and kind ~= "number" then
    problem = problem == nil and "" or at .. "bad argument #-1 to '?' (string expected, got " .. kind .. ")"
  end
  local head = problem == "" and "" or problem .. "\n"
  return "runtime error: " .. head .. "stack traceback:\n\t" .. concat(lines, "\n\t")
end

local chunk, problem = load(given.script, "lua", "t")
if not chunk then
  return false, "syntax error: " .. (gsub(problem, "near '(.-)'$", "near %1"))
end
local passed, why = xpcall(chunk, told)
if passed then return true end
if (failure == nil or why ~= failure) and not find(why, "^runtime error: ") then
  why = "runtime error: " .. tostring(why)  -- out of memory: then nobody is asked how to tell it
end
return false, why
