"""What MiniStack's CloudWatch leaves to this project: the evaluation of alarms."""
