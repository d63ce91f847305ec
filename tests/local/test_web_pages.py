"""What a web page that the developer opens can do to the local cloud: nothing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from tests.local.sagemaker_calls import ROLE
from tests.local.test_process import zipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud


def test_a_web_page_makes_no_function(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> None:
    """A browser sends a POST of plain text without asking first, so it is refused when it comes."""
    code = base64.b64encode(zipped("page.py", "def handler(event, context): pass")).decode()
    definition = {"FunctionName": "page", "Runtime": "python3.12", "Role": ROLE, "Handler": "page.handler"}
    response = urllib3.request(
        "POST",
        f"{cloud.endpoint_url}/2015-03-31/functions",
        body=json.dumps(definition | {"Code": {"ZipFile": code}}).encode(),
        headers={"Origin": "https://evil.example", "Content-Type": "text/plain"},
    )
    assert response.status == 403
    assert (
        response.data == b"the local cloud answers no web pages: this request has the Origin 'https://evil.example'\n"
    )
    assert "access-control-allow-origin" not in response.headers
    assert client("lambda").list_functions()["Functions"] == []


def test_a_web_page_gets_no_permission_beforehand(cloud: RunningLocalCloud) -> None:
    """A preflight is what a browser asks before it sends anything unusual."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    response = urllib3.request("OPTIONS", f"{cloud.endpoint_url}/bucket/key", headers=asked)
    assert response.status == 403
    assert "access-control-allow-origin" not in response.headers


def test_a_browser_downloads_by_a_presigned_address(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> None:
    """An address that somebody enters comes from no site; the bucket may be part of the host's name."""
    s3 = client("s3")
    s3.create_bucket(Bucket="downloads")
    s3.put_object(Bucket="downloads", Key="result", Body=b"content")
    address = s3.generate_presigned_url("get_object", Params={"Bucket": "downloads", "Key": "result"})
    entered = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    assert urllib3.request("GET", address, headers=entered).data == b"content"
    port = urlsplit(cloud.endpoint_url).port
    virtual = {"Host": f"downloads.s3.localhost:{port}"}
    assert urllib3.request("GET", f"{cloud.endpoint_url}/result", headers=virtual).data == b"content"
