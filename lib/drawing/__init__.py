"""Pictures: a report's grid, strips and sheets of them, and curves."""
