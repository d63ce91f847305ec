"""Which condition keys a request to SageMaker's control API has, by which policies may decide.

Source: *Service Authorization Reference*, "Condition keys for Amazon SageMaker". A key that a request gives no value is
absent, as AWS has it: ``Null`` conditions find that out. The tags of resources that exist are the concern of
:class:`local_cloud.ministack_iam.Identities`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.json_api import Members
    from local_cloud.scope import Scope

Values = str | tuple[str, ...]
"""The value of a key, or the values of a key that has many."""

UNKNOWN: Final = ("sagemaker:DirectGatedModelAccess", "sagemaker:TargetModel")
"""Keys of implemented operations that no request here has: of models of a hub, and of multi-model endpoints."""


def request_context(scope: Scope, operation: str, members: Members) -> tuple[tuple[str, Values], ...]:
    """Return the condition keys of a request that is not checked yet, and the values that it gives them."""
    found = dict(_tag_keys(members))
    for key, read in KEYS.get(operation, {}).items():
        if values := read(scope, members):
            found[key] = values
    return tuple(found.items())


def _tag_keys(members: Members) -> Iterator[tuple[str, Values]]:
    tags = {str(tag.get("Key")): str(tag.get("Value")) for tag in _items(members, "Tags")}
    yield from ((f"aws:RequestTag/{key}", value) for key, value in tags.items())
    if keys := (*tags, *_list(members, "TagKeys")):
        yield "aws:TagKeys", keys


def _items(members: Members, name: str) -> list[dict[str, Any]]:
    """Return the structures of a list."""
    return [item for item in _list(members, name) if isinstance(item, dict)]


def _list(members: Members, name: str) -> list[Any]:
    """Return a list, which may be anything before the request is checked."""
    items = members.get(name)
    return items if isinstance(items, list) else []


def _structure(members: Members, name: str) -> Members:
    """Return a structure, which may be anything before the request is checked."""
    structure = members.get(name)
    return structure if isinstance(structure, dict) else {}


def _variants(members: Members) -> list[dict[str, Any]]:
    return _items(members, "ProductionVariants") + _items(members, "ShadowProductionVariants")


def _instance_types(_scope: Scope, members: Members) -> tuple[str, ...]:
    sources = [source for variant in _variants(members) for source in (variant, *_items(variant, "InstancePools"))]
    return _distinct(source.get("InstanceType") for source in sources)


def _accelerator_types(_scope: Scope, members: Members) -> tuple[str, ...]:
    return _distinct(variant.get("AcceleratorType") for variant in _variants(members))


def _model_arn(scope: Scope, members: Members) -> Values | None:
    names = _distinct(variant.get("ModelName") for variant in _variants(members))
    return _one_or_all(scope.arn("sagemaker", f"model/{name.lower()}") for name in names)


def _of_serverless(name: str) -> Callable[[Scope, Members], Values | None]:
    def read(_scope: Scope, members: Members) -> Values | None:
        configs = [_structure(variant, "ServerlessConfig") for variant in _variants(members)]
        return _one_or_all(_distinct(config.get(name) for config in configs))

    return read


def _of_vpc(name: str) -> Callable[[Scope, Members], Values | None]:
    return lambda _scope, members: _distinct(_list(_structure(members, "VpcConfig"), name))


def _volume_kms_key(_scope: Scope, members: Members) -> str | None:
    key: str | None = members.get("KmsKeyId")
    return key


def _network_isolation(_scope: Scope, members: Members) -> str | None:
    isolated = members.get("EnableNetworkIsolation")
    return None if isolated is None else str(bool(isolated)).lower()


def _distinct(values: Any) -> tuple[str, ...]:  # noqa: ANN401 - an unchecked request's members
    return tuple(dict.fromkeys(str(value) for value in values if value is not None))


def _one_or_all(values: Any) -> Values | None:  # noqa: ANN401 - an unchecked request's members
    """Return the value of a key that has one, which variants that differ make many."""
    found = tuple(values)
    return found[0] if len(found) == 1 else found


_NETWORK: Final = {
    "sagemaker:NetworkIsolation": _network_isolation,
    "sagemaker:VpcSecurityGroupIds": _of_vpc("SecurityGroupIds"),
    "sagemaker:VpcSubnets": _of_vpc("Subnets"),
}

KEYS: Final[dict[str, dict[str, Callable[[Scope, Members], Values | None]]]] = {
    "CreateModel": {**_NETWORK},
    "CreateEndpointConfig": {
        **_NETWORK,
        "sagemaker:AcceleratorTypes": _accelerator_types,
        "sagemaker:InstanceTypes": _instance_types,
        "sagemaker:ModelArn": _model_arn,
        "sagemaker:ServerlessMaxConcurrency": _of_serverless("MaxConcurrency"),
        "sagemaker:ServerlessMemorySize": _of_serverless("MemorySizeInMB"),
        "sagemaker:VolumeKmsKey": _volume_kms_key,
    },
}
"""How operations' own keys are read from a request, besides those of tags."""
