"""An embedded AWS on the loopback interface, on which the real CDK CLI deploys the real template.

MiniStack answers for every service but two; SageMaker asynchronous inference and Application Auto Scaling are this
package's own.
"""
