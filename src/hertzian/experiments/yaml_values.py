"""Plain values from YAML: no tags, no aliases, no key twice, and numbers such as 1e-3."""

import json
import re
from typing import Any

import yaml

from hertzian.experiments.stages import ExperimentError


class _Loader(yaml.SafeLoader):
    """Safe loading, less what a recipe has no use for."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases: a few of them can stand for gigabytes."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that comes twice; YAML's own rule, which the library leaves unchecked."""
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.YAMLError(f"a key comes twice among {', '.join(map(str, mapping))}")
        return mapping


# YAML 1.1, which the library reads, wants a dot in 1e-3; YAML 1.2 and people do not
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+"), list("-+0123456789")
)


def parse_yaml(text: str) -> Any:
    """Return the JSON-like value that a YAML text stands for.

    Raises:
        ExperimentError: not YAML, or a value that JSON has no word for (dates, NaN, binary).
    """
    try:
        value = yaml.load(text, Loader=_Loader)
        json.dumps(value, allow_nan=False)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ExperimentError(
            f"not a plain YAML document ({' '.join(str(error).split())})"
        ) from None
    return value
