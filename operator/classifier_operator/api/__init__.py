"""The contract with the cluster as values: kinds, conditions, statuses; nothing here does I/O."""
