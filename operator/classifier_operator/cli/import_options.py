"""The options of `run` about the data that it fetches: from where, by which proxy, and how much."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from classifier_operator.runtime.importing.netguard import rules_of
from classifier_operator.runtime.importing.transfer import limits_of

Command = Callable[..., Any]

_OPTIONS = (
    click.option("--import-allow-http", is_flag=True, help="Fetch inputs by http too, and follow redirects to http."),
    click.option(
        "--import-allow",
        multiple=True,
        metavar="HOST|.SUFFIX|CIDR",
        help="Fetch inputs from this host, hosts below .SUFFIX or these addresses, though they are private "
        "(repeatable).",
    ),
    click.option(
        "--import-proxy",
        default="",
        metavar="URL",
        help="HTTP proxy, http://HOST:PORT, by which inputs are fetched from the hosts of --import-proxy-host. One "
        "with a password belongs in the environment. [none]",
    ),
    click.option(
        "--import-proxy-host",
        "import_proxy_hosts",
        multiple=True,
        metavar="HOST|.SUFFIX",
        help="Fetch inputs from this host, or hosts below .SUFFIX, by --import-proxy (repeatable). Only the proxy sees "
        "their addresses, so name hosts that nobody else can register.",
    ),
    click.option(
        "--import-max-bytes",
        default=100 * 1024**3,
        show_default=True,
        type=click.IntRange(1),
        help="Size of the largest file that is fetched.",
    ),
    click.option(
        "--import-concurrency",
        default=2,
        show_default=True,
        type=click.IntRange(1, 6),
        help="Files fetched at a time. They share 48 MiB of memory: of fewer, each may be larger.",
    ),
)


def import_options(command: Command) -> Command:
    """Add the options; those about addresses reach the command as one `import_rules`."""

    @wraps(command)
    def wrapped(
        *,
        import_allow_http: bool,
        import_allow: tuple[str, ...],
        import_proxy: str,
        import_proxy_hosts: tuple[str, ...],
        **options: Any,
    ) -> Any:
        # Options that do not fit together are refused before anything is started.
        try:
            limits_of(options["import_max_bytes"], options["import_concurrency"])
            rules = rules_of(
                import_allow, allows_http=import_allow_http, proxy=import_proxy, proxied=import_proxy_hosts
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return command(import_rules=rules, **options)

    result: Command = wrapped
    for option in reversed(_OPTIONS):
        result = option(result)
    return result
