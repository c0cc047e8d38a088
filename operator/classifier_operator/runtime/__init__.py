"""What runs: the queue, the memory of the cluster and of AWS, and the pass gather, decide, act, write status."""
