"""The outside behind the runtime's ports: boto3, the Kubernetes client, the clock, HTTP."""
