"""What runs a plan: one module per engine, found by name."""
