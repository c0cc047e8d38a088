"""A stand-in for AWS: SageMaker with its real states, refusals and work, and moto for the services around it.

Start one with `server.Emulator`, `server.EmulatorProcess` or `python -m sagemaker_emulator`, and drive it with
`control.Control`. README.md tells how.
"""
