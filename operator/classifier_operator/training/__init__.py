"""ClassifierTraining: its spec and status, the job it asks for, and the decisions about it. Pure."""
