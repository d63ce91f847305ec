"""Application Auto Scaling for SageMaker variants: its API, and the minute by minute work of the scaling engine."""
