"""How well a neuron predicts recordings: numbers, a table, a figure."""
