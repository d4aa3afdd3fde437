"""What is possible, beside what is measured: bounds, distances to them, what impairments cost."""
