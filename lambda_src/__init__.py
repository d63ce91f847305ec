"""Code that runs in AWS Lambda, one package per function; each is a shell over :mod:`async_inference`."""
