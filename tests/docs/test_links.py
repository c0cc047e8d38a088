"""Links from a page to a file of the repository work on a Git host, and are text on the site."""

from __future__ import annotations

import pytest
from docs.hooks.links import led_out


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[crds/](../../crds/)", "`crds`"),
        ("[`rollout.yaml`](../../manifests/examples/rollout.yaml)", "`manifests/examples/rollout.yaml`"),
        ("see [the examples](../../manifests/examples/)", "see the examples (`manifests/examples`)"),
        (
            "[the command](../../operator/classifier_operator/cli/run.py#L10)",
            "the command (`operator/classifier_operator/cli/run.py`)",
        ),
        # Pages of the site stay links, and so does what mkdocs shall refuse.
        ("[tuning](../operations/tuning.md)", "[tuning](../operations/tuning.md)"),
        ("[gone](../../manifests/gone.yaml)", "[gone](../../manifests/gone.yaml)"),
        ("[outside](../../../etc/passwd)", "[outside](../../../etc/passwd)"),
        ("[elsewhere](https://example.org/a)", "[elsewhere](https://example.org/a)"),
    ],
)
def test_a_link_out_of_the_pages_is_text(written: str, shown: str) -> None:
    assert led_out(written, "concepts/tenants.md") == shown


def test_a_repository_with_an_address_is_linked_to() -> None:
    linked = led_out("[the kinds](../crds/)", "README.md", "https://git.example.org/team/project/")
    assert linked == "[the kinds](https://git.example.org/team/project/blob/main/crds)"
