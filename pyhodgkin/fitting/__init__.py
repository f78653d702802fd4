"""Fitting: parameters, stages, objectives and the run. Knows no engine by name."""
