"""Advice: which approach to data versioning fits a team's answers, why, what it costs, and the plan that says so."""
