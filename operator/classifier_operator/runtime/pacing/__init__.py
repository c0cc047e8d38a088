"""Room: how many calls go to AWS, and whose turn it is."""
