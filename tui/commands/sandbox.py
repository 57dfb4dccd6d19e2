"""steerco sandbox: the Salesforce sandbox server alone."""

from __future__ import annotations

from typing import Annotated

import typer

from services.config import ready_home

FILE = "sandbox-server.db"
"""Not the file of the embedded sandbox: two servers never share an organisation."""


def sandbox(
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes any free one.")
    ] = 0,
    latency: Annotated[
        int, typer.Option("--latency", metavar="MS", min=0, help="Wait before each answer.")
    ] = 0,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="SPEC", help="KIND[:VALUE][,SELECTOR=VALUE]…, repeatable."),
    ] = None,
) -> None:
    """Run the Salesforce sandbox server alone.

    A local organisation on the loopback, until it is stopped. Its address and access token are
    printed as one line of JSON when it listens.

    \b
    Examples:
      steerco sandbox --port 8890
      steerco sandbox --latency 200 --fault 429:3,count=2
    """
    from services.sandbox.__main__ import main

    arguments = ["--db", str(ready_home() / FILE), "--port", str(port), "--latency", str(latency)]
    for each in fault or []:
        arguments += ["--fault", each]
    raise typer.Exit(main(arguments))
