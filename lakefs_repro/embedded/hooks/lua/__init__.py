"""Lua hooks: a script runs in a process of its own, and asks this one for what it may."""
