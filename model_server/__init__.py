"""The reference model: text recognition in scanned pages, in a container that keeps SageMaker's contract.

It shows what a model of one's own has to do to sit behind an asynchronous endpoint, and it is the same code on AWS
(``Dockerfile``) and on a laptop (``python -m model_server``). It knows nothing of the rest of this repository.

Data flow: ``http_server`` takes the request, ``serve`` checks it and hands it to ``workers``, where
``recognition`` reads the pages that ``images`` decodes.
"""
