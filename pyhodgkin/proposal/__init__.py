"""From recordings alone to a neuron to begin with: passive membrane, library channels, networks."""
