"""Whether an endpoint works, as its caller sees it, and what to do where it does not.

::

    findings = examine("/async-inference/dev/ocr")
    print([finding for finding in findings if finding.level is Level.PROBLEM])

:mod:`.facts` asks AWS, :mod:`.checks` judges what it said, :mod:`.examination` puts the two together. Nothing is
submitted, and nothing is written.
"""

from async_inference.doctor.examination import examine
from async_inference.doctor.findings import Finding, Level

__all__ = ["Finding", "Level", "examine"]
