"""The demo: a real API server, a stand-in for AWS, real images, and the operator between them.

`story` tells it in order; each other module owns one part. Only the command line imports this package.
"""
