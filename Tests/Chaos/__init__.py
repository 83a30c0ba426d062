"""The whole system under faults of every kind, by a schedule that a seed makes; see chaos.py."""
