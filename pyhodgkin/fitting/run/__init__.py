"""The run of a fit: trainer, checkpoints, early stopping, progress, interrupts."""
