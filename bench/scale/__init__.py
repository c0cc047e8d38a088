"""What the operator costs, and how fast it is, with hundreds and thousands of objects (`python -m bench.scale`)."""
