"""All scenarios, by subject."""

from conformance.scenarios import (
    actions,
    branches,
    commits,
    listing,
    merging,
    objects,
    oddities,
    presigning,
    pulls,
    repositories,
    server,
    settings,
    staging,
    tags,
)

SCENARIOS = [
    *repositories.SCENARIOS,
    *branches.SCENARIOS,
    *tags.SCENARIOS,
    *commits.SCENARIOS,
    *merging.SCENARIOS,
    *objects.SCENARIOS,
    *listing.SCENARIOS,
    *staging.SCENARIOS,
    *presigning.SCENARIOS,
    *settings.SCENARIOS,
    *actions.SCENARIOS,
    *oddities.SCENARIOS,
    *pulls.SCENARIOS,
    *server.SCENARIOS,
]
