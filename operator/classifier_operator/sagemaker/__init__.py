"""What is known of SageMaker, as values and pure functions: names, images, states, refusals; no calls."""
