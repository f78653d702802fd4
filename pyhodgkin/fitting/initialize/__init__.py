"""Where a fit begins: random networks, multistart over surrogate gates, distillation."""
