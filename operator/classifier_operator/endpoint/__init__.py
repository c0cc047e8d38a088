"""ClassifierEndpoint: its spec and status, what it asks of AWS, and the decisions about it. Pure."""
