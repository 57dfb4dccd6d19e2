"""steerco sandbox: the Salesforce sandbox server alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.config import ready_home
from services.sandbox.faults import manual

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
        typer.Option("--fault", metavar="SPEC", help="Trouble on demand, repeatable: see below."),
    ] = None,
    jwt_public_key: Annotated[
        Path | None,
        typer.Option(
            "--jwt-public-key",
            metavar="FILE",
            help="PEM of the key or certificate that JWT logins are signed for.",
        ),
    ] = None,
) -> None:
    """Run the Salesforce sandbox server alone.

    A local organisation on the loopback, until it is stopped. When it listens, one line of JSON
    says its address, the access token of the integration user, the organisation's id, and what to
    log in with: client_id and secret, which is every user's password, too.

    \b
    Examples:
      steerco sandbox --port 8890
      steerco sandbox --latency 200 --fault 429:3,count=2
    """
    from services.sandbox.__main__ import main

    arguments = [
        "--tickets",
        "--db",
        str(ready_home() / FILE),
        "--port",
        str(port),
        "--latency",
        str(latency),
    ]
    for each in fault or []:
        arguments += ["--fault", each]
    if jwt_public_key is not None:
        arguments += ["--jwt-public-key", str(jwt_public_key)]
    raise typer.Exit(main(arguments))


_FAULTS = "\n".join(f"      {line}" for line in manual())
sandbox.__doc__ = f"""{sandbox.__doc__}
    \b
    Faults, written KIND[:VALUE][,SELECTOR=VALUE]…:
{_FAULTS}

    While it runs, POST {{"fault": SPEC}} to URL/__sandbox/faults puts one more in force, GET lists
    them with how often they acted, DELETE takes all of them out of force.
    """
