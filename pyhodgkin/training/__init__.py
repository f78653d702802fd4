"""Training: stages, optimizers, checkpoints, the loop. Knows no engine by name."""
