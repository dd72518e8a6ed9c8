"""The contract of the demo's flights: what their users count on, written down once."""

from __future__ import annotations

from typing import Final

CONTRACT: Final = """\
# What everybody who trains on flights may count on. Every ingest is held to it.
# Open Data Contract Standard v3; docs/reference/contracts.md describes every key.
apiVersion: v3.1.0
kind: DataContract
id: flights
version: 1.0.0
status: active
schema:
  - name: flights
    description: Departures from New York City in 2013, one row a flight
    properties:
      # A scheduled hour, a carrier and a flight number name one flight: never empty, never twice.
      - {name: time_hour, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 1}
      - {name: carrier, logicalType: string, primaryKey: true, primaryKeyPosition: 2}
      - {name: flight, logicalType: integer, primaryKey: true, primaryKeyPosition: 3}
      - {name: year, logicalType: integer, required: true}
      - {name: month, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1, maximum: 12}}
      - {name: day, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1, maximum: 31}}
      - {name: dep_time, logicalType: integer}
      - {name: sched_dep_time, logicalType: integer, required: true}
      - {name: dep_delay, logicalType: integer}
      - {name: arr_time, logicalType: integer}
      - {name: sched_arr_time, logicalType: integer, required: true}
      - {name: arr_delay, logicalType: integer}
      - {name: tailnum, logicalType: string}
      - name: origin
        logicalType: string
        required: true
        quality:
          - {metric: invalidValues, arguments: {validValues: [EWR, JFK, LGA]}, mustBe: 0}
      - {name: dest, logicalType: string, required: true}
      - {name: air_time, logicalType: integer}
      - {name: distance, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}
      - {name: hour, logicalType: integer, required: true}
      - {name: minute, logicalType: integer, required: true}
    customProperties:
      - {property: nullMarkers, value: [NA]}
"""
