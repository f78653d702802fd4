"""Many cells of one neuron: distributions of parameters, runs in blocks, stores, results."""
