"""The network at rest: neurons, synapses, areas, and the arrays that the core borrows."""
