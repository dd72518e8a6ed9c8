"""Actions: what a repository wants done, or asked, before and after its branches and tags move."""
