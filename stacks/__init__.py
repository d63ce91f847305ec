"""What is deployed together: settings, the stages that are their values, and the stack that composes the constructs."""
