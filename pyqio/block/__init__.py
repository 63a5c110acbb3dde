"""The block layer: nodes, drivers, and the graph that they form."""
