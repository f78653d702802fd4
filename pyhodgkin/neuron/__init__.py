"""What a neuron is: frozen dataclasses on numpy, with no engine behind them."""
