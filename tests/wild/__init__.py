"""Cases of public threads: each test bears the number of its case in its docstring."""
