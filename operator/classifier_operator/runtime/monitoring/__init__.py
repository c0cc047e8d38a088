"""What is counted, measured and logged."""
