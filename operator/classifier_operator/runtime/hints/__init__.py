"""SageMaker's state-change events, taken as hints of where to look: the sweeper looks, and believes what it sees."""
