"""The engines: one contract (`base`), pure torch, and Julia."""
