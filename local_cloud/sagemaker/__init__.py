"""Amazon SageMaker as far as asynchronous inference goes: control API, runtime, and the life of jobs and instances."""
