"""The default schedules: which stages to go through, by what was observed and is unknown."""
